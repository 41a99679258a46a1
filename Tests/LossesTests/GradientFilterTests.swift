import LossKit
import LossKitTestSupport
import Testing

@Suite struct GradientFilterTests {
    /// Predictions of the first rows that are right and sure, and of the last ones that are wrong.
    private struct Peaked {
        let n = 80
        let d = 24
        let classes = 600
        let hidden: [Float]
        let weight: [Float]
        let labels: [Int]

        init() {
            var random = SplitMix64(seed: 3)
            let weight = random.values(classes * d).map { Float($0) }
            let (labels, d) = ((0..<n).map { $0 * 37 % 600 }, d)
            hidden = labels.enumerated().flatMap { row, label in
                let own = weight[label * d..<(label + 1) * d]
                let size = own.reduce(0) { $0 + $1 * $1 }
                return own.map { $0 / size * (row < 64 ? 40 : -40) }
            }
            (self.weight, self.labels) = (weight, labels)
        }
    }

    @Test(arguments: Device.all, [Reduction.mean, .none])
    func smallTilesAreLeftOutWithinTheBound(device: Device, reduction: Reduction) throws {
        let given = Peaked()
        let (n, d, classes) = (given.n, given.d, given.classes)
        let hidden = try Tensor(given.hidden, shape: [n, d], on: device)
        let weight = try Tensor(given.weight, shape: [classes, d], on: device)
        let targets = try Tensor(given.labels, on: device)
        var random = SplitMix64(seed: 4)
        let cotangents = reduction == .none ? random.values(n, in: 0.5...1.5).map { Float($0) } : [1.5]
        let factor = try Tensor(cotangents, shape: reduction == .none ? [n] : [], on: device)
        func slopes(_ filter: GradientFilter?) throws -> [[Double]] {
            try gradient(at: [hidden, weight]) {
                try (linearCrossEntropy(
                    hidden: $0[0], weight: $0[1], targets: targets, gradientFilter: filter, reduction: reduction) * factor).sum()
            }.map { try $0.array(of: Double.self) }
        }
        let exact = try slopes(nil)
        let (idle, filter) = (GradientFilter(threshold: 0), GradientFilter(threshold: 0.02))
        let (same, filtered) = (try slopes(idle), try slopes(filter))
        #expect(idle.tiles > 0 && idle.skippedTiles == 0)
        #expect(filter.skippedTiles > 0 && filter.skippedTiles < filter.tiles)
        for (a, b) in zip(same.joined(), exact.joined()) where abs(a - b) > 2e-6 { Issue.record("\(a), expected \(b)") }

        let c = (0..<n).map { Double(reduction == .none ? cotangents[$0] : cotangents[0] / Float(n)) }
        var largest = 0.0
        for j in 0..<d {
            let column = (0..<classes).reduce(0.0) { $0 + Double(abs(given.weight[$1 * d + j])) }
            for i in 0..<n {
                let difference = abs(filtered[0][i * d + j] - exact[0][i * d + j])
                largest = max(largest, difference)
                #expect(difference <= 0.02 * c[i] * column + 1e-6)
            }
            let row = (0..<n).reduce(0.0) { $0 + c[$1] * Double(abs(given.hidden[$1 * d + j])) }
            for k in 0..<classes { #expect(abs(filtered[1][k * d + j] - exact[1][k * d + j]) <= 0.02 * row + 1e-6) }
        }
        #expect(largest > 0)
    }

    @Test func aThresholdIsNotNegative() throws {
        let x = try Tensor.ones([2, 3], on: .cpu)
        #expect(throws: TensorError.self) {
            try linearCrossEntropy(
                hidden: x, weight: x, targets: Tensor([0, 1] as [Int32], on: .cpu), gradientFilter: GradientFilter(threshold: -1))
        }
    }
}
