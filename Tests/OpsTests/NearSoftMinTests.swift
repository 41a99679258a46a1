import LossKitTestSupport
import Testing

@testable import LossKitOps

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Soft minima by the pairs that matter beside those of all pairs, while potentials move a little, much, and not at all.
@Suite struct NearSoftMinTests {
    private static let (n, m) = (2300, 1900)

    /// Points in some clumps, with one apart and some twice.
    private static func points(_ count: Int, _ d: Int, _ random: inout SplitMix64) -> [Float] {
        var points = random.values(count * d, in: -1...1).enumerated().map { Float($1) + Float($0 / d % 3) }
        for k in 0..<d { points[k] = 4 }
        for k in d..<3 * d { points[k + 2 * d] = points[k] }
        return points
    }

    /// Sums of as many terms, in another order, of exponents that were formed of squares of lengths.
    private static func expectSame(_ found: Tensor, _ expected: Tensor, epsilon: Double, _ label: String) throws {
        let rounding = 4 * Double(Float(8 * 3).ulp)
        expectClose(
            try found.array(of: Double.self), try expected.array(of: Double.self), tolerance: 2e-6 * epsilon + rounding, label)
    }

    @Test(arguments: [1, 2, 3], [0.3, 0.01])
    func minimaAgreeWithThoseOfAllPairs(d: Int, epsilon: Double) throws {
        var random = SplitMix64(seed: 31)
        let (n, m) = (Self.n, Self.m)
        let x = try Tensor(Self.points(n, d, &random), shape: [1, n, d], on: .cpu)
        let y = try Tensor(Self.points(m, d, &random), shape: [1, m, d], on: .cpu)
        let all = try SoftMin(x, y, power: 2, isLinearInMemory: true)
        let near = try #require(try NearSoftMin(all))
        var weights = random.values(m, in: 0.5...1)
        weights[7] = 0
        let logX = try Tensor(random.values(n, in: 0.5...1).map { Float(log($0 / Double(n))) }, shape: [1, n], on: .cpu)
        let logY = try Tensor(weights.map { Float(log($0 / Double(m))) }, shape: [1, m], on: .cpu)
        var (f, g) = (try Tensor.zeros([1, n], on: .cpu), try Tensor.zeros([1, m], on: .cpu))
        for round in 0..<14 {
            let label = "d \(d), epsilon \(epsilon), round \(round)"
            let expected = try all.minima(.x, potentials: g, logWeights: logY, own: f, epsilon: epsilon, keep: 0.25, take: 0.75)
            let found = try near.minima(.x, potentials: g, logWeights: logY, own: f, epsilon: epsilon, keep: 0.25, take: 0.75)
            try Self.expectSame(found.soft, expected.soft, epsilon: epsilon, label)
            try Self.expectSame(found.next, expected.next, epsilon: epsilon, label)
            f = expected.next
            let back = try all.minima(.y, potentials: f, logWeights: logX, own: g, epsilon: epsilon, keep: 0, take: 1)
            try Self.expectSame(
                near.minima(.y, potentials: f, logWeights: logX, own: g, epsilon: epsilon, keep: 0, take: 1).soft, back.soft,
                epsilon: epsilon, label)
            // Now and then a tilt, after which others matter: by a little more than a search allows, than a survey allows, and by much more.
            let jump: Double = [3: 3, 6: 15, 9: 300][round, default: 0]
            let moves = try y.slice(axis: 2, from: 0, to: 1).squeezed(axes: [2]) * (jump * epsilon)
            g = try (back.soft + moves).evaluated()
            if round == 11 { g = try (g + 100 * epsilon).evaluated() }
        }
        func wide(_ tensor: Tensor) throws -> Tensor { try tensor.asType(.float64).evaluated() }
        let exact = try all.wideMinima(.x, potentials: wide(g), logWeights: wide(logY), own: wide(f), epsilon: epsilon)
        let found = try near.wideMinima(.x, potentials: wide(g), logWeights: wide(logY), own: wide(f), epsilon: epsilon)
        // Exponents are formed in doubles, exponentials and their sums in floats.
        expectClose(try found.array(of: Double.self), try exact.array(of: Double.self), tolerance: 5e-7 * epsilon, "in doubles, d \(d)")
    }

    /// Columns ever farther away, so that whatever share of a sum is left out some have a little less; then the far ones matter by as much more as the
    /// lists allow, of a search and of a survey.
    @Test(arguments: [3.9, 19.5])
    func whatIsLeftOutStaysSmall(tilt: Double) throws {
        let (n, m, epsilon) = (256, 1 << 14, 0.05)
        func exponent(_ column: Int) -> Double { 60 * Double(column) / Double(m) }
        let x = try Tensor((0..<n).map { Float($0) * 1e-5 }, shape: [1, n, 1], on: .cpu)
        let y = try Tensor((0..<m).map { Float((2 * epsilon * exponent($0)).squareRoot()) }, shape: [1, m, 1], on: .cpu)
        let all = try SoftMin(x, y, power: 2, isLinearInMemory: true)
        let near = try #require(try NearSoftMin(all))
        let (logs, still) = (try Tensor.zeros([1, m], on: .cpu), try Tensor.zeros([1, m], on: .cpu))
        let tilted = try Tensor((0..<m).map { Float(exponent($0) > tilt + 5 ? tilt * epsilon : 0) }, shape: [1, m], on: .cpu)
        var own = try all.minima(
            .x, potentials: still, logWeights: logs, own: .zeros([1, n], on: .cpu), epsilon: epsilon, keep: 0, take: 1).soft
        for potentials in [still, tilted] {
            own = try near.minima(.x, potentials: potentials, logWeights: logs, own: own, epsilon: epsilon, keep: 0, take: 1).soft
        }
        func wide(_ softMin: (SoftMin.Side, Tensor, Tensor, Tensor, Double) throws -> Tensor) throws -> [Double] {
            func wide(_ tensor: Tensor) throws -> Tensor { try tensor.asType(.float64).evaluated() }
            return try softMin(.x, wide(tilted), wide(logs), wide(own), epsilon).array(of: Double.self)
        }
        let found = try wide { try near.wideMinima($0, potentials: $1, logWeights: $2, own: $3, epsilon: $4) }
        let exact = try wide { try all.wideMinima($0, potentials: $1, logWeights: $2, own: $3, epsilon: $4) }
        expectClose(found, exact, tolerance: 5e-7 * epsilon)
    }

    /// What a survey learns with potentials of the rows that are far off is nothing wrong.
    @Test(arguments: [-30.0, -20, 3, 30])
    func surveysWithFarRowsAreRight(offset: Double) throws {
        var random = SplitMix64(seed: 41)
        let (n, m, epsilon) = (Self.n, Self.m, 0.05)
        let x = try Tensor(Self.points(n, 2, &random), shape: [1, n, 2], on: .cpu)
        let y = try Tensor(Self.points(m, 2, &random), shape: [1, m, 2], on: .cpu)
        let all = try SoftMin(x, y, power: 2, isLinearInMemory: true)
        let near = try #require(try NearSoftMin(all))
        let (g, logs) = (try Tensor.zeros([1, m], on: .cpu), try Tensor([Float](repeating: 0, count: m), shape: [1, m], on: .cpu))
        let expected = try all.minima(.x, potentials: g, logWeights: logs, own: .zeros([1, n], on: .cpu), epsilon: epsilon, keep: 0, take: 1).soft
        let own = try (expected + offset * epsilon).evaluated()
        for round in 0..<2 {
            let found = try near.minima(.x, potentials: g, logWeights: logs, own: own, epsilon: epsilon, keep: 0, take: 1).soft
            try Self.expectSame(found, expected, epsilon: epsilon, "\(round)")
        }
    }

    /// After a sweep that fails, nothing it has found is gone by.
    @Test func failedSweepsAreForgotten() throws {
        struct Failure: Error {}
        let memory = NearPairs.Memory(problems: [(64, 128)], sections: [0..<128])
        let still = try Tensor.zeros([1, 128], on: .cpu)
        let tilted = try Tensor((0..<128).map { Float($0) }, shape: [1, 128], on: .cpu)
        func isKnown(_ potentials: Tensor) throws -> Bool {
            try memory.sweep(potentials: potentials, epsilon: 1, learns: false) { $0 != nil }
        }
        #expect(try !isKnown(still))
        try memory.sweep(potentials: still, epsilon: 1) { _ in }
        #expect(try isKnown(still) && !isKnown(tilted))
        #expect(throws: Failure.self) { try memory.sweep(potentials: tilted, epsilon: 1) { _ in throw Failure() } }
        #expect(try !isKnown(still) && !isKnown(tilted))
    }

    /// The four problems of a divergence, against each on its own.
    @Test func divergencesAgreeWithThoseOfAllPairs() throws {
        var random = SplitMix64(seed: 37)
        let (n, m, d, epsilon) = (Self.n, Self.m, 2, 0.02)
        let x = try Tensor(Self.points(n, d, &random), shape: [n, d], on: .cpu)
        let y = try Tensor(Self.points(m, d, &random), shape: [m, d], on: .cpu)
        let logs = try Tensor((0..<n + m).map { Float(-log(Double($0 < n ? n : m))) }, on: .cpu)
        let both = try DebiasedSoftMin(x, y, logWeights: logs, power: 2, isLinearInMemory: true)
        let between = try SoftMin(x.expandedDimensions(at: 0), y.expandedDimensions(at: 0), power: 2, isLinearInMemory: true)
        let problems: [(SoftMin, SoftMin.Side)] = [(between, .x), (between, .y), (between.within(.x), .x), (between.within(.y), .x)]
        let ranges = [0..<n, n..<n + m, n + m..<2 * n + m, 2 * n + m..<2 * (n + m)]
        let columns = [ranges[1], ranges[0], ranges[2], ranges[3]]
        var potentials = try Tensor.zeros([2 * (n + m)], on: .cpu)
        var before = potentials
        for round in 0..<8 {
            let found = try both(potentials, before: before, epsilon: epsilon, keep: 0.4, take: 0.5, carry: 0.1)
            let half = try both(potentials, before: before, epsilon: epsilon, keep: 0.4, take: 0.5, carry: 0.1, onlyBetween: true)
            func part(_ tensor: Tensor, _ range: Range<Int>) throws -> Tensor {
                try tensor.slice(axis: 0, from: range.lowerBound, to: range.upperBound)
            }
            for (index, (problem, side)) in problems.enumerated() {
                let range = columns[index]
                let soft = try problem.minima(
                    side, potentials: part(potentials, range).expandedDimensions(at: 0),
                    logWeights: part(logs, index == 0 || index == 3 ? n..<n + m : 0..<n).expandedDimensions(at: 0),
                    own: part(potentials, ranges[index]).expandedDimensions(at: 0), epsilon: epsilon, keep: 0, take: 1
                ).soft.squeezed(axes: [0])
                let label = "round \(round), problem \(index)"
                try Self.expectSame(part(found.soft, ranges[index]), soft, epsilon: epsilon, label)
                if index < 2 { try Self.expectSame(part(half.soft, ranges[index]), soft, epsilon: epsilon, label + ", half") }
                let next = try part(potentials, ranges[index]) * 0.4 + soft * 0.5 + part(before, ranges[index]) * 0.1
                try Self.expectSame(part(found.next, ranges[index]), next, epsilon: epsilon, label)
            }
            (before, potentials) = (potentials, found.next)
        }
    }
}
