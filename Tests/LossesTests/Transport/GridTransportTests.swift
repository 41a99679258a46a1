import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Entropic transport on grids: beside the dense problem in doubles, closed forms, and POT 0.9.7's `sinkhorn_log` to 1e-15.
@Suite struct GridTransportTests {
    private static let a = EntropicTransportTests.weights((0..<20).map { 1 + 0.5 * cos(5 * Double($0)) })
    private static let b = EntropicTransportTests.weights((0..<20).map { 1 + 0.7 * sin(4 * Double($0)) })
    private static let options = EntropicTransportOptions(tolerance: 1e-5, maximumIterations: 3000)

    private func images(on device: Device) throws -> (a: Tensor, b: Tensor) {
        (try Tensor(Self.a, shape: [4, 5], on: device), try Tensor(Self.b, shape: [4, 5], on: device))
    }

    /// The places of a grid's points.
    private static func places(_ extents: [Int], _ spacing: [Double]) -> [Double] {
        (0..<extents.reduce(1, *)).flatMap { place in
            var rest = place
            let reversed = extents.indices.reversed().map { axis -> Double in
                defer { rest /= extents[axis] }
                return Double(rest % extents[axis]) * spacing[axis]
            }
            return reversed.reversed()
        }
    }

    private static func reference(
        _ a: [Double], _ b: [Double], _ extents: [Int], _ spacing: [Double], epsilon: Double, _ source: MarginalPenalty = .exact,
        _ target: MarginalPenalty = .exact
    ) -> ReferenceTransport {
        let places = places(extents, spacing)
        return ReferenceTransport(
            costs: ReferenceTransport.halfSquares(places, places, d: extents.count), a: a, b: b, epsilon: epsilon, source: source,
            target: target)
    }

    @Test(arguments: Device.all)
    func valuesAgreeWithPOT(device: Device) throws {
        let (a, b) = try images(on: device)
        for (epsilon, value, cost, divergence) in [
            (0.05, 0.07148883381537646, 0.03671369949308578, 0.0015716810317932678),
            (0.005, 0.0179845095376221, 0.0067896921428848124, 0.003731021591067088),
        ] {
            let solution = try gridTransport(a, b, epsilon: epsilon, options: Self.options)
            #expect(solution.isConverged && solution.marginalError <= 1e-5)
            expectClose([try solution.value.scalar()], [value], tolerance: 1e-5, scale: [value], "epsilon \(epsilon)")
            expectClose([try solution.linearCost().scalar()], [cost], tolerance: 1e-4, scale: [cost], "epsilon \(epsilon)")
            let found = try gridSinkhornDivergence(a, b, epsilon: epsilon, tolerance: 1e-5, maximumIterations: 3000)
            expectClose([try found.scalar()], [divergence], tolerance: 1e-6, scale: [value], "epsilon \(epsilon)")
        }
        let relaxed = EntropicTransportOptions(
            source: .divergence(0.1), target: .divergence(0.1), tolerance: 1e-6, maximumIterations: 3000)
        let unbalanced = try gridTransport(a * 1.3, b, epsilon: 0.05, options: relaxed)
        try expectClose(unbalanced.marginals().x.sum(), [0.8815416347221727], tolerance: 1e-5)
        try expectClose(unbalanced.linearCost(), [0.03205248033988552], tolerance: 1e-5)
    }

    /// Lines, images and volumes with axes of their own spacing, some of it empty; plan, marginals and map too.
    @Test(arguments: Device.all)
    func gridsAgreeWithTheDenseProblem(device: Device) throws {
        let shapes: [([Int], [Double])] = [
            ([9], [0.2]), ([3, 4], [0.3, 0.1]), ([2, 1, 5], [0.2, 1, 0.3]), ([3, 2, 2], [0.5, 0.2, 0.4]),
        ]
        let penalties: [(MarginalPenalty, MarginalPenalty)] = [
            (.exact, .exact), (.divergence(0.5), .divergence(0.2)), (.exact, .divergence(0.3)), (.totalVariation(0.1), .range(0.5...1.5)),
        ]
        var random = SplitMix64(seed: 4)
        for (extents, spacing) in shapes {
            let count = extents.reduce(1, *)
            func weights() -> [Float] {
                EntropicTransportTests.weights((0..<count).map { $0 % 4 == 2 ? 0 : Double.random(in: 0.1...1, using: &random) })
            }
            // A whole line without mass.
            let (a, b) = (
                weights(), extents.count > 1 ? weights().enumerated().map { $0.offset < extents.last! ? 0 : $0.element } : weights()
            )
            let total = b.reduce(0, +)
            let target = b.map { $0 / total }
            for (source, sink) in penalties {
                let reference = Self.reference(
                    EntropicTransportTests.doubles(a), EntropicTransportTests.doubles(target), extents, spacing, epsilon: 0.08, source, sink
                )
                let label = "\(extents) \(source) \(sink)"
                var options = Self.options
                (options.source, options.target) = (source, sink)
                let solution = try gridTransport(
                    Tensor(a, shape: extents, on: device), Tensor(target, shape: extents, on: device), dimensions: extents.count,
                    spacing: spacing, epsilon: 0.08, options: options)
                #expect(solution.isConverged, "\(label)")
                let (f, g): ([Double], [Double]) = (
                    try solution.potentials.x.flattened().array(), try solution.potentials.y.flattened().array()
                )
                let plan = reference.plan(f, g)
                try expectClose(solution.plan(rows: 0..<count).flattened(), plan.flatMap { $0 }, tolerance: 1e-5, label)
                let (rows, columns) = reference.marginals(plan)
                let sums = try solution.marginals()
                try expectClose(sums.x.flattened(), rows, tolerance: 1e-5, label)
                try expectClose(sums.y.flattened(), columns, tolerance: 1e-5, label)
                let linear = (0..<count * count).reduce(0.0) { (sum: Double, place: Int) -> Double in
                    sum + plan[place / count][place % count] * reference.costs[place / count][place % count]
                }
                try expectClose(solution.linearCost(), [linear], tolerance: 1e-5, label)
                // Without the points that have no mass, whose divergence is not a number there.
                let (used, reached) = ((0..<count).filter { a[$0] > 0 }, (0..<count).filter { target[$0] > 0 })
                let fewer = ReferenceTransport(
                    costs: used.map { i in reached.map { reference.costs[i][$0] } }, a: used.map { Double(a[$0]) },
                    b: reached.map { Double(target[$0]) }, epsilon: 0.08, source: source, target: sink)
                try expectClose(solution.value, [fewer.value], tolerance: 1e-5, label)
                let places = Self.places(extents, spacing)
                // A point without mass goes somewhere too.
                let map = (0..<count).flatMap { i -> [Double] in
                    let shares = (0..<count).map { (j: Int) -> Double in Double(target[j]) * exp((g[j] - reference.costs[i][j]) / 0.08) }
                    return extents.indices.map { axis -> Double in
                        let sum = (0..<count).reduce(0.0) { (sum: Double, j: Int) -> Double in
                            sum + shares[j] * places[j * extents.count + axis]
                        }
                        return sum / shares.reduce(0, +)
                    }
                }
                try expectClose(solution.barycentricMap().flattened(), map, tolerance: 1e-5, label)
            }
        }
    }

    /// Derivatives for single weights where masses are free, and along the simplex where they are not; of a batch each its own.
    @Test(arguments: Device.all)
    func derivativesAreThoseOfTheDenseProblem(device: Device) throws {
        let (extents, spacing) = ([3, 3], [0.4, 0.3])
        let a = EntropicTransportTests.doubles(Array(Self.a[..<9])), b = EntropicTransportTests.doubles(Array(Self.b[5..<14]))
        func tensor(_ values: [Double]) throws -> Tensor { try Tensor(values.map { Float($0) }, shape: extents, on: device) }
        let penalty = MarginalPenalty.divergence(0.3)
        func dense(_ a: [Double], _ b: [Double], _ penalty: MarginalPenalty) -> Double {
            Self.reference(a, b, extents, spacing, epsilon: 0.1, penalty, penalty).value
        }
        func divergence(_ a: [Double], _ b: [Double]) -> Double {
            let off = a.reduce(0, +) - b.reduce(0, +)
            return dense(a, b, penalty) - dense(a, a, penalty) / 2 - dense(b, b, penalty) / 2 + 0.1 / 2 * off * off
        }
        var options = Self.options
        (options.source, options.target, options.tolerance) = (penalty, penalty, 1e-6)
        let slopes = try gradient(at: [tensor(a), tensor(b)]) {
            try gridTransport($0[0], $0[1], dimensions: 2, spacing: spacing, epsilon: 0.1, options: options).value
        }
        try expectClose(slopes[0].flattened(), centralDifferences(a, step: 1e-4) { dense($0, b, penalty) }, tolerance: 2e-5)
        try expectClose(slopes[1].flattened(), centralDifferences(b, step: 1e-4) { dense(a, $0, penalty) }, tolerance: 2e-5)
        let reach = 0.3.squareRoot()
        let debiased = try gradient(at: [tensor(a), tensor(b)]) {
            try gridSinkhornDivergence($0[0], $0[1], spacing: spacing, epsilon: 0.1, reach: reach, tolerance: 1e-6, maximumIterations: 3000)
        }
        try expectClose(debiased[0].flattened(), centralDifferences(a, step: 1e-4) { divergence($0, b) }, tolerance: 2e-5)
        try expectClose(debiased[1].flattened(), centralDifferences(b, step: 1e-4) { divergence(a, $0) }, tolerance: 2e-5)
        // Balanced: only differences of the slopes are defined.
        let sums = (a.reduce(0, +), b.reduce(0, +))
        let (p, q) = (a.map { $0 / sums.0 }, b.map { $0 / sums.1 })
        func centred(_ values: [Double]) -> [Double] { values.map { $0 - values.reduce(0, +) / Double(values.count) } }
        let slope = try gradient(at: tensor(p)) {
            try gridSinkhornDivergence($0, tensor(q), spacing: spacing, epsilon: 0.1, tolerance: 1e-6, maximumIterations: 3000)
        }
        let between = Self.reference(p, q, extents, spacing, epsilon: 0.1).solve().f
        let within = Self.reference(p, p, extents, spacing, epsilon: 0.1).solve()
        let expected = between.indices.map { between[$0] - (within.f[$0] + within.g[$0]) / 2 }
        try expectClose(Tensor(centred(slope.flattened().array()), on: .cpu), centred(expected), tolerance: 1e-5)
        // A batch of both directions, under cotangents of its own.
        let (first, second) = (try Tensor.stack([tensor(p), tensor(q)]), try Tensor.stack([tensor(q), tensor(p)]))
        let cotangent = try Tensor([0.7, -1.9] as [Float], on: device)
        let both = try gradient(at: first) {
            try (gridSinkhornDivergence($0, second, spacing: spacing, epsilon: 0.1, tolerance: 1e-6, maximumIterations: 3000) * cotangent)
                .sum()
        }
        try expectClose(Tensor(centred(both[0].flattened().array()), on: .cpu), centred(expected).map { $0 * 0.7 }, tolerance: 1e-5)
    }

    /// Equal images are apart by nothing, moved ones by half the square of the way; points of all mass by their cost.
    @Test(arguments: Device.all)
    func closedFormsHold(device: Device) throws {
        let (a, b) = try images(on: device)
        #expect(try abs(gridSinkhornDivergence(a, a, epsilon: 0.01).scalar()) < 1e-7)
        #expect(try gridSinkhornDivergence(a, b, epsilon: 0.01).scalar() > 1e-4)
        func bump(_ row: Double, _ column: Double) throws -> Tensor {
            let values = (0..<24 * 20).map { place -> Double in
                let (y, x) = (Double(place / 20) - row, Double(place % 20) - column)
                return exp(-(y * y + x * x) / 4)
            }
            return try Tensor(EntropicTransportTests.weights(values), shape: [24, 20], on: device)
        }
        let moved = try gridSinkhornDivergence(bump(9, 8), bump(13, 11), spacing: [0.1], epsilon: 0.02, tolerance: 1e-5)
        try expectClose(moved, [(0.16 + 0.09) / 2], tolerance: 1e-4)
        func point(_ place: Int) throws -> Tensor {
            try Tensor((0..<20).map { $0 == place ? 1 : 0 } as [Float], shape: [4, 5], on: device)
        }
        let solution = try gridTransport(point(1), point(18), spacing: [0.5], epsilon: 1e-3)
        try expectClose(solution.value, [(9 + 4) * 0.25 / 2], tolerance: 1e-6)
        #expect(solution.isConverged)
        try expectClose(solution.barycentricMap()[0][1], [1.5, 1.5], tolerance: 1e-6)
    }

    /// Partial mass, warm starts, and steps that run out.
    @Test(arguments: Device.all)
    func resultsSayHowTheyCameAbout(device: Device) throws {
        let (a, b) = try images(on: device)
        var options = Self.options
        options.mass = 0.6
        let partial = try gridTransport(a, b, epsilon: 0.02, options: options)
        let dense = try entropicTransport(
            .points(
                Tensor(Self.places([4, 5], [0.2, 0.2]).map { Float($0) }, shape: [20, 2], on: device),
                Tensor(Self.places([4, 5], [0.2, 0.2]).map { Float($0) }, shape: [20, 2], on: device), power: 2),
            a: a.flattened(), b: b.flattened(), epsilon: 0.02, options: options)
        try expectClose(partial.value, [dense.value.scalar()], tolerance: 1e-5)
        try expectClose(partial.marginals().x.sum(), [0.6], tolerance: 1e-5)
        let first = try gridTransport(a, b, epsilon: 0.02, options: Self.options)
        options = Self.options
        options.initial = first.potentials
        let again = try gridTransport(a, b, epsilon: 0.02, options: options)
        #expect(again.iterations <= 2 && again.isConverged && again.schedule.isEmpty && !first.schedule.isEmpty)
        let early = try gridTransport(a, b, epsilon: 0.002, options: .init(tolerance: 1e-7, maximumIterations: 3))
        let reference = Self.reference(
            EntropicTransportTests.doubles(Self.a), EntropicTransportTests.doubles(Self.b), [4, 5], [0.2, 0.2], epsilon: 0.002)
        let (rows, columns) = reference.marginals(
            reference.plan(try early.potentials.x.flattened().array(), try early.potentials.y.flattened().array()))
        let off = zip(rows, reference.a).reduce(0) { $0 + abs($1.0 - $1.1) }
        let other = zip(columns, reference.b).reduce(0) { $0 + abs($1.0 - $1.1) }
        #expect(!early.isConverged && early.iterations == 3)
        expectClose([early.marginalErrors.x, early.marginalErrors.y], [off, other], tolerance: 1e-4)
    }

    @Test(arguments: Device.all)
    func badInputIsAnsweredInOneLine(device: Device) throws {
        let (a, b) = try images(on: device)
        let none = try Tensor.zeros([4, 5], on: device)
        expectRefusals([
            ("epsilon", { try gridTransport(a, b, epsilon: 0) }), ("epsilon", { try gridSinkhornDivergence(a, b, epsilon: .nan) }),
            ("one shape", { try gridTransport(a, b[0..<3], epsilon: 1) }),
            ("dimensions", { try gridTransport(a, b, dimensions: 0, epsilon: 1) }),
            ("3 axes", { try gridTransport(a, b, dimensions: 3, epsilon: 1) }),
            ("spacing", { try gridTransport(a, b, spacing: [1, 0], epsilon: 1) }),
            ("spacing", { try gridTransport(a, b, spacing: [1, 1, 1], epsilon: 1) }),
            ("weights a", { try gridTransport(-a, b, epsilon: 1) }), ("weights b", { try gridSinkhornDivergence(a, b / 0, epsilon: 1) }),
            ("weights b with a sum above 0", { try gridTransport(a, none, epsilon: 1) }),
            ("equal masses", { try gridTransport(a * 2, b, epsilon: 1) }),
            ("equal masses", { try gridSinkhornDivergence(a * 2, b, epsilon: 1) }),
            ("mass", { try gridTransport(a, b, epsilon: 1, options: .init(mass: 2)) }),
            ("reach", { try gridSinkhornDivergence(a, b, epsilon: 1, reach: 0) }),
            ("gradient", { try gridTransport(a, b, epsilon: 1, options: .init(gradient: .implicit)) }),
            ("potentials", { try gridTransport(a, b, epsilon: 1, options: .init(initial: (none[0], none))) }),
            ("rows", { try gridTransport(a, b, epsilon: 1).plan(rows: 0..<21) }),
            ("a derivative of the value", { try gradient(at: a) { try gridTransport($0, b, epsilon: 1).potentials.x.sum() } }),
        ])
        #expect(throws: TensorError.notDifferentiable(operation: "gridSinkhornDivergence", order: 2)) {
            try gradient(at: a) { try gradient(at: $0) { try gridSinkhornDivergence($0, b, epsilon: 1) }.square().sum() }
        }
    }
}
