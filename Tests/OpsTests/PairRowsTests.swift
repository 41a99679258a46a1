import Foundation
import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Reductions of rows of pairs against loops in doubles.
@Suite struct PairRowsTests {
    static let measures: [PairRows.Measure] = [.dot, .squaredEuclidean, .euclidean]
    static let selections: [PairRows.Selection] = [.all, .positives, .negatives]

    /// Points, labels and what the formulas say of them.
    struct Scene {
        var x: Matrix
        var y: Matrix
        var rowLabels: [Int]
        var columnLabels: [Int]
        var isSelf: Bool

        init(_ n: Int, _ m: Int?, _ d: Int, classes: Int, seed: UInt64) {
            var random = SplitMix64(seed: seed)
            func points(_ count: Int) -> Matrix {
                Matrix(rows: count, columns: d, values: random.values(count * d, in: -1...1).map { Double(Float($0)) })
            }
            x = points(n)
            isSelf = m == nil
            y = m.map { points($0) } ?? x
            rowLabels = (0..<n).map { _ in Int.random(in: 0..<classes, using: &random) }
            columnLabels = m.map { (0..<$0).map { _ in Int.random(in: 0..<classes, using: &random) } } ?? rowLabels
        }

        func tensors(_ device: Device) throws -> [Tensor] {
            try (isSelf ? [x] : [x, y]).map { try Tensor($0.values.map { Float($0) }, shape: $0.shape, on: device) }
        }

        func pairs(_ points: [Tensor], _ measure: PairRows.Measure) throws -> PairRows {
            let device = points[0].device
            return try PairRows(
                points[0], isSelf ? nil : points[1], measure: measure, labels: Tensor(rowLabels, on: device),
                columnLabels: isSelf ? nil : Tensor(columnLabels, on: device))
        }

        func value(_ measure: PairRows.Measure, _ i: Int, _ j: Int) -> Double {
            switch measure {
            case .dot: zip(x.row(i), y.row(j)).reduce(0) { $0 + $1.0 * $1.1 }
            case .squaredEuclidean: distance(x.row(i), y.row(j)) * distance(x.row(i), y.row(j))
            case .euclidean: distance(x.row(i), y.row(j))
            }
        }

        /// d value / d x_i.
        func slope(_ measure: PairRows.Measure, _ i: Int, _ j: Int) -> [Double] {
            let apart = distance(x.row(i), y.row(j))
            return zip(x.row(i), y.row(j)).map { a, b in
                switch measure {
                case .dot: b
                case .squaredEuclidean: 2 * (a - b)
                case .euclidean: apart == 0 ? 0 : (a - b) / apart
                }
            }
        }

        func isTaken(_ i: Int, _ j: Int, _ selection: PairRows.Selection) -> Bool {
            guard !(isSelf && i == j) else { return false }
            switch selection {
            case .all: return true
            case .positives: return rowLabels[i] == columnLabels[j]
            case .negatives: return rowLabels[i] != columnLabels[j]
            }
        }

        func columns(_ i: Int, _ selection: PairRows.Selection) -> [Int] { (0..<y.rows).filter { isTaken(i, $0, selection) } }

        /// The gradients of x and y, and the sums of their terms' largest coordinates, from the derivative for each pair's value.
        func gradients(_ measure: PairRows.Measure, _ weight: (Int, Int) -> Double) -> [(sum: [Double], scale: [Double])] {
            let d = x.columns
            func zeros(_ points: Matrix) -> [Double] { [Double](repeating: 0, count: points.values.count) }
            var (dx, dy) = ((zeros(x), zeros(x)), (zeros(y), zeros(y)))
            for i in 0..<x.rows {
                for j in 0..<y.rows {
                    let w = weight(i, j)
                    guard w != 0 else { continue }
                    let slope = slope(measure, i, j)
                    let other = measure == .dot ? x.row(i) : slope.map { -$0 }
                    let (length, otherLength) = (slope.map(abs).max() ?? 0, other.map(abs).max() ?? 0)
                    for k in 0..<d {
                        dx.0[i * d + k] += w * slope[k]
                        dx.1[i * d + k] += abs(w) * length
                        dy.0[j * d + k] += w * other[k]
                        dy.1[j * d + k] += abs(w) * otherLength
                    }
                }
            }
            guard isSelf else { return [dx, dy] }
            return [(zip(dx.0, dy.0).map(+), zip(dx.1, dy.1).map(+))]
        }
    }

    static let scenes = [
        Scene(1, nil, 2, classes: 1, seed: 1), Scene(9, nil, 3, classes: 3, seed: 2), Scene(40, nil, 33, classes: 6, seed: 3),
        Scene(7, 21, 5, classes: 2, seed: 4), Scene(530, 17, 40, classes: 5, seed: 5), Scene(17, 600, 34, classes: 4, seed: 6),
    ]

    @Test(arguments: Device.all, scenes.indices)
    func logSumExpAndItsGradientAgreeWithTheFormula(device: Device, index: Int) throws {
        let scene = Self.scenes[index]
        var random = SplitMix64(seed: 70)
        let scale = 1.7
        for measure in Self.measures {
            for selection in Self.selections {
                let expected = (0..<scene.x.rows).map { i in
                    logSumExp(scene.columns(i, selection).map { scale * scene.value(measure, i, $0) })
                }
                let g = expected.map { $0.isInfinite ? 0 : Double(Float(Double.random(in: 0.5...1.5, using: &random))) }
                let weights = try Tensor(g.map { Float($0) }, on: device)
                let points = try scene.tensors(device)
                let value = try scene.pairs(points, measure).logSumExp(over: selection, scale: scale)
                let size = Double(scene.x.columns)
                try expectClose(value, expected, tolerance: 1e-6 * max(2, size / 4), "\(measure) \(selection)")
                let actual = try gradient(at: points) { points in
                    let value = try scene.pairs(points, measure).logSumExp(over: selection, scale: scale)
                    return try Tensor.select(value .== -Double.infinity, .zeros([], on: device), value * weights).sum()
                }
                let gradients = scene.gradients(measure) { i, j in
                    guard scene.isTaken(i, j, selection) else { return 0 }
                    return g[i] * scale * exp(scale * scene.value(measure, i, j) - expected[i])
                }
                for (side, (sum, terms)) in gradients.enumerated() {
                    // An exponential is off by the rounding of its exponent.
                    expectClose(
                        try actual[side].array(of: Double.self), sum, tolerance: 1e-6 * max(2, size / 2), scale: terms.map { $0 + 1e-3 },
                        "\(measure) \(selection) side \(side)")
                }
            }
        }
    }

    @Test(arguments: Device.all, [PairRows.Term.identity, .softplus, .hinge, .squaredHinge])
    func sumsAndTheirGradientsAgreeWithTheFormula(device: Device, term: PairRows.Term) throws {
        func f(_ u: Double) -> (value: Double, slope: Double) {
            switch term {
            case .identity: (u, 1)
            case .softplus: (max(u, 0) + log1p(exp(-abs(u))), 1 / (1 + exp(-u)))
            case .hinge: (max(u, 0), u > 0 ? 1 : 0)
            case .squaredHinge: (max(u, 0) * max(u, 0), 2 * max(u, 0))
            }
        }
        for scene in [Self.scenes[2], Self.scenes[3]] {
            for (measure, selection) in zip(Self.measures, Self.selections) {
                var random = SplitMix64(seed: 71)
                let n = scene.x.rows
                let shift = random.values(n, in: 0.2...1.2).map { Double(Float($0)) }
                let g = random.values(n, in: 0.5...1.5).map { Double(Float($0)) }
                func u(_ i: Int, _ j: Int) -> Double { -0.8 * scene.value(measure, i, j) + shift[i] }
                func total(_ i: Int, _ part: (Double) -> Double) -> Double {
                    scene.columns(i, selection).reduce(0) { $0 + part(u(i, $1)) }
                }
                let points = try scene.tensors(device)
                let added = try Tensor(shift.map { Float($0) }, on: device)
                let weights = try Tensor(g.map { Float($0) }, on: device)
                let (value, slope) = try scene.pairs(points, measure).sum(term, over: selection, scale: -0.8, shift: added)
                try expectClose(value, (0..<n).map { total($0) { f($0).value } }, tolerance: 4e-6, "\(term) \(measure)")
                try expectClose(slope, (0..<n).map { total($0) { f($0).slope } }, tolerance: 4e-6, "\(term) \(measure)")
                let actual = try gradient(at: points + [added]) { given in
                    let points = Array(given.dropLast())
                    let sums = try scene.pairs(points, measure).sum(term, over: selection, scale: -0.8, shift: given[points.count]).value
                    return try (sums * weights).sum()
                }
                let gradients = scene.gradients(measure) { i, j in
                    scene.isTaken(i, j, selection) ? -0.8 * g[i] * f(u(i, j)).slope : 0
                }
                for (side, (sum, terms)) in gradients.enumerated() {
                    expectClose(
                        try actual[side].array(of: Double.self), sum, tolerance: 4e-6, scale: terms.map { $0 + 1e-3 },
                        "\(term) side \(side)")
                }
                try expectClose(actual[gradients.count], (0..<n).map { i in g[i] * total(i) { f($0).slope } }, tolerance: 4e-6)
            }
        }
    }

    @Test(arguments: Device.all)
    func boundsLeaveColumnsOut(device: Device) throws {
        let scene = Self.scenes[3]
        let points = try scene.tensors(device)
        let bounds = (0..<7).map { -0.4 + 0.1 * Double($0) }
        let expected = (0..<7).map { i in
            scene.columns(i, .negatives).map { scene.value(.dot, i, $0) }.filter { $0 > bounds[i] && $0 < bounds[i] + 0.6 }
        }
        let lower = try Tensor(bounds.map { Float($0) }, on: device)
        let found = try scene.pairs(points, .dot).sum(.identity, over: .negatives, lower: lower, upper: lower + 0.6)
        try expectClose(found.value, expected.map { $0.reduce(0, +) }, tolerance: 2e-6)
        #expect(try found.slope.array(of: Int.self) == expected.map(\.count))
    }

    @Test(arguments: Device.all, scenes.indices)
    func extremesAreThoseOfTheFormula(device: Device, index: Int) throws {
        let scene = Self.scenes[index]
        let points = try scene.tensors(device)
        for measure in Self.measures {
            for selection in Self.selections {
                let pairs = try scene.pairs(points, measure)
                let (most, least) = (try pairs.largest(over: selection), try pairs.smallest(over: selection))
                for (chosen, isLarger) in [(most, true), (least, false)] {
                    let isFound = try chosen.isFound.booleans()
                    let places = try chosen.places.array(of: Int.self)
                    let values = try chosen.values.array(of: Double.self)
                    for i in 0..<scene.x.rows {
                        let columns = scene.columns(i, selection)
                        #expect(isFound[i] == !columns.isEmpty)
                        guard let best = columns.map({ scene.value(measure, i, $0) }).max(by: { isLarger ? $0 < $1 : $0 > $1 }) else {
                            continue
                        }
                        #expect(scene.isTaken(i, places[i], selection))
                        #expect(abs(values[i] - scene.value(measure, i, places[i])) < 2e-5)
                        #expect(abs(values[i] - best) < 2e-5)
                    }
                }
            }
        }
    }

    @Test(arguments: Device.all, [PairRows.Mining.all, .semiHard])
    func tripletsAgreeWithLoopsOverAllOfThem(device: Device, mining: PairRows.Mining) throws {
        let margin = 0.31
        for scene in Self.scenes.prefix(4) {
            for measure in [PairRows.Measure.squaredEuclidean, .euclidean] {
                let n = scene.x.rows
                var (sums, violated, counts) = (
                    [Double](repeating: 0, count: n), [Double](repeating: 0, count: n), [Double](repeating: 0, count: n)
                )
                var sizes = [Double](repeating: 1, count: n)
                var weights: [[Int: Double]] = Array(repeating: [:], count: n)
                for i in 0..<n {
                    let negatives = scene.columns(i, .negatives)
                    for p in scene.columns(i, .positives) where !negatives.isEmpty {
                        let own = scene.value(measure, i, p)
                        var chosen = negatives
                        if mining == .semiHard {
                            let farther = negatives.filter { scene.value(measure, i, $0) > own }
                            let order = { (a: Int, b: Int) in scene.value(measure, i, a) < scene.value(measure, i, b) }
                            chosen = [farther.min(by: order) ?? negatives.max(by: order) ?? 0]
                        }
                        for q in chosen {
                            let hinge = own - scene.value(measure, i, q) + margin
                            counts[i] += 1
                            guard hinge > 0 else { continue }
                            sums[i] += hinge
                            sizes[i] += own + scene.value(measure, i, q)
                            violated[i] += 1
                            weights[i][p, default: 0] += 1
                            weights[i][q, default: 0] -= 1
                        }
                    }
                }
                let points = try scene.tensors(device)
                let found = try scene.pairs(points, measure).triplets(mining, margin: margin)
                expectClose(try found.value.array(of: Double.self), sums, tolerance: 1e-6, scale: sizes, "\(measure)")
                #expect(try found.violated.array(of: Double.self) == violated)
                #expect(try found.count.array(of: Double.self) == counts)
                var random = SplitMix64(seed: 72)
                let g = random.values(n, in: 0.5...1.5).map { Double(Float($0)) }
                let actual = try gradient(at: points) { points in
                    try (scene.pairs(points, measure).triplets(mining, margin: margin).value * Tensor(g.map { Float($0) }, on: device))
                        .sum()
                }
                for (side, (sum, terms)) in scene.gradients(measure, { g[$0] * (weights[$0][$1] ?? 0) }).enumerated() {
                    expectClose(
                        try actual[side].array(of: Double.self), sum, tolerance: 4e-6, scale: terms.map { $0 + 1e-3 },
                        "\(measure) side \(side)")
                }
            }
        }
    }

    /// Tight clusters far apart: products of centred points alone would lose what lies between their points.
    @Test(arguments: Device.all, [PairRows.Measure.squaredEuclidean, .euclidean])
    func nothingIsLostToCancellation(device: Device, measure: PairRows.Measure) throws {
        var scene = Self.scenes[2]
        for place in scene.x.values.indices {
            scene.x.values[place] = Double(Float(scene.x.values[place] * 1e-3 + (place / 33 % 2 == 0 ? 30 : -30)))
        }
        scene.y = scene.x
        scene.rowLabels = (0..<40).map { $0 % 2 }
        scene.columnLabels = scene.rowLabels
        let points = try scene.tensors(device)
        let sums = try scene.pairs(points, measure).sum(.identity, over: .positives).value
        let expected = (0..<40).map { i in scene.columns(i, .positives).reduce(0) { $0 + scene.value(measure, i, $1) } }
        expectClose(try sums.array(of: Double.self), expected, tolerance: 1e-5, scale: expected)
        let actual = try gradient(at: points) { try scene.pairs($0, measure).sum(.identity, over: .positives).value.sum() }
        let (sum, terms) = scene.gradients(measure) { i, j in i != j && i % 2 == j % 2 ? 1 : 0 }[0]
        expectClose(try actual[0].array(of: Double.self), sum, tolerance: 1e-5, scale: terms)
    }

    @Test(arguments: Device.all)
    func derivativesOfDerivativesAgreeWithDifferences(device: Device) throws {
        let scene = Scene(4, 5, 2, classes: 2, seed: 8)
        let points = try scene.tensors(device)
        let direction = try Tensor([0.3, -0.7, 0.5, 0.2, 0.9, -0.4, 0.6, 0.8] as [Float], shape: [4, 2], on: device)
        for measure in [PairRows.Measure.dot, .squaredEuclidean] {
            func loss(_ x: Tensor) throws -> Tensor {
                let pairs = try scene.pairs([x, points[1]], measure)
                return try pairs.logSumExp(scale: 1.3).square().sum() + pairs.sum(.softplus, over: .negatives).value.sum()
            }
            let second = try gradient(at: points[0]) { x in try (gradient(at: x, of: loss) * direction).sum() }
            let step = 1e-2
            let ahead = try gradient(at: points[0] + direction * step, of: loss).array(of: Double.self)
            let behind = try gradient(at: points[0] - direction * step, of: loss).array(of: Double.self)
            try expectClose(second, zip(ahead, behind).map { ($0 - $1) / (2 * step) }, tolerance: 2e-3, "\(measure)")
        }
        #expect(throws: TensorError.self) {
            try gradient(at: points[0]) { x in
                try gradient(at: x) { try scene.pairs([$0, points[1]], .euclidean).triplets(.all, margin: 1).value.sum() }.square().sum()
            }
        }
    }

    @Test(arguments: Device.all)
    func noMatrixOfPairsIsHeld(device: Device) throws {
        let (n, d) = (4096, 16)
        let scene = Scene(n, nil, d, classes: 64, seed: 9)
        let points = try scene.tensors(device)
        for measure in [PairRows.Measure.dot, .euclidean] {
            let cost = try Profiler.measure {
                try gradient(at: points) { points in
                    try scene.pairs(points, measure).logSumExp(over: .negatives).sum()
                        + scene.pairs(points, measure).triplets(.all, margin: 0.1).value.sum()
                }.forEach { try $0.evaluated() }
            }.measurement
            // Blocks of fixed size, and a few numbers a point: 64 MB would be the matrix.
            #expect(cost.peakBytes < 3 * (5 << 22) + 40 * 4 * n * (d + 4))
        }
    }

    @Test(arguments: Device.all)
    func nothingToReduceIsDefined(device: Device) throws {
        let one = try Tensor([1, 2] as [Float], shape: [1, 2], on: device)
        let pairs = try PairRows(one, labels: Tensor([3], on: device))
        #expect(try pairs.logSumExp().array(of: Float.self) == [-Float.infinity])
        #expect(try pairs.sum(.softplus).value.array(of: Float.self) == [0])
        #expect(try pairs.largest().isFound.booleans() == [false])
        #expect(try pairs.triplets(.all, margin: 1).value.array(of: Float.self) == [0])
        let slope = try gradient(at: one) { try PairRows($0).logSumExp().exp().sum() }
        #expect(try slope.array(of: Float.self) == [0, 0])
        let none = try Tensor.zeros([0, 2], on: device)
        #expect(try PairRows(none).logSumExp().count == 0)
        #expect(try PairRows(one, none).sum(.hinge).value.array(of: Float.self) == [0])
    }

    @Test(arguments: Device.all)
    func badInputIsNamed(device: Device) throws {
        let (x, y) = (try Tensor.zeros([3, 2], on: device), try Tensor.zeros([4, 3], on: device))
        expectRefusals([
            ("points [n, d] and [m, d]", { try PairRows(x, y) }),
            ("labels [3]", { try PairRows(x, labels: Tensor([1, 2], on: device)) }),
            ("integer labels", { try PairRows(x, labels: Tensor([1.0, 2, 3], on: device)) }),
            ("another in row 2", { try PairRows(x, labels: Tensor([1, 2, 1 << 40], on: device)) }),
            ("labels to tell", { try PairRows(x).logSumExp(over: .positives) }),
            ("[3]", { try PairRows(x).sum(.hinge, shift: Tensor.zeros([2], on: device)) }),
        ])
    }
}
