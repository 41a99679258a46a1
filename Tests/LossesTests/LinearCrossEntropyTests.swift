import LossKit
import LossKitTestSupport
import Testing

@Suite struct LinearCrossEntropyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var rows = 7
        var features = 5
        var classes = 300
        var type = DType.float32
        var hasBias = false
        var isWeighted = false
        var smoothing = 0.0
        var softCap: Double?
        var ignores = true
        var reduction = Reduction.mean
        var testDescription: String {
            "\(rows)x\(features)x\(classes) \(type) bias \(hasBias) weights \(isWeighted) s \(smoothing) cap \(softCap ?? 0) \(reduction)"
        }
    }

    static let cases: [Case] = [
        Case(hasBias: true), Case(rows: 1, features: 1, classes: 1, ignores: false), Case(classes: 131, ignores: false, reduction: .none),
        Case(rows: 20, features: 17, classes: 1000, hasBias: true, isWeighted: true, smoothing: 0.2, softCap: 3, reduction: .none),
        Case(isWeighted: true, smoothing: 0.1), Case(softCap: 2, reduction: .sum), Case(type: .bfloat16, hasBias: true),
        // Several blocks of rows, none of whose extents is a multiple of anything.
        Case(rows: 1277, features: 19, classes: 501, hasBias: true, isWeighted: true, smoothing: 0.1, softCap: 2),
    ]

    /// Values and gradients straight from the formula in float64.
    @Test(arguments: Device.all, cases)
    func agreesWithTheFormula(device: Device, given: Case) throws {
        let (n, d, classes) = (given.rows, given.features, given.classes)
        var random = SplitMix64(seed: 7)
        func tensor(_ count: Int, _ shape: [Int], _ range: ClosedRange<Double>) throws -> Tensor {
            try Tensor(random.values(count, in: range).map { Float($0) }, shape: shape, on: device).asType(given.type).evaluated()
        }
        let hidden = try tensor(n * d, [n, d], -1...1)
        let weight = try tensor(classes * d, [classes, d], -1...1)
        let bias = given.hasBias ? try tensor(classes, [classes], -1...1) : nil
        let weights = try Tensor(random.values(classes, in: 0.5...2).map { Float($0) }, on: device)
        let labels = (0..<n).map { given.ignores && $0 % 3 == 1 ? -100 : $0 * 97 % classes }
        let targets = try Tensor(labels, on: device)

        let (x, w) = (try hidden.array(of: Double.self), try weight.array(of: Double.self))
        let b = try bias?.array(of: Double.self) ?? [Double](repeating: 0, count: classes)
        var oracle = CrossEntropyOracle()
        oracle.weights = given.isWeighted ? try weights.array(of: Double.self) : nil
        (oracle.smoothing, oracle.softCap) = (given.smoothing, given.softCap)
        let counted = labels.indices.filter { labels[$0] != -100 }
        let divisor = given.reduction == .mean ? counted.reduce(0.0) { $0 + (oracle.weights?[labels[$1]] ?? 1) } : 1
        let cotangents = given.reduction == .none ? random.values(n, in: 0.5...1.5).map { Double(Float($0)) } : [1.5]
        var losses = [Double](repeating: 0, count: n)
        var (dx, dw) = ([Double](repeating: 0, count: n * d), [Double](repeating: 0, count: classes * d))
        var db = [Double](repeating: 0, count: classes)
        for i in counted {
            let z = (0..<classes).map { k in (0..<d).reduce(b[k]) { $0 + x[i * d + $1] * w[k * d + $1] } }
            losses[i] = oracle.loss(z, .label(labels[i])) / divisor
            let c = cotangents[given.reduction == .none ? i : 0] / divisor
            for (k, slope) in oracle.gradient(z, .label(labels[i])).enumerated() {
                db[k] += c * slope
                for j in 0..<d {
                    dx[i * d + j] += c * slope * w[k * d + j]
                    dw[k * d + j] += c * slope * x[i * d + j]
                }
            }
        }
        func loss(_ hidden: Tensor, _ weight: Tensor, _ bias: Tensor?) throws -> Tensor {
            try linearCrossEntropy(
                hidden: hidden, weight: weight, bias: bias, targets: targets, weights: given.isWeighted ? weights : nil,
                labelSmoothing: given.smoothing, softCap: given.softCap, reduction: given.reduction)
        }
        let step = given.type == .bfloat16 ? 0x1p-8 : 0
        let expected = given.reduction == .none ? losses : [losses.reduce(0, +)]
        try expectClose(loss(hidden, weight, bias), expected, tolerance: 4e-6 + 4 * step, "loss")
        let factor = try Tensor(cotangents.map { Float($0) }, shape: given.reduction == .none ? [n] : [], on: device)
        let slopes = try gradient(at: [hidden, weight] + [bias].compactMap { $0 }) { points in
            try (loss(points[0], points[1], points.count > 2 ? points[2] : nil).asType(.float32) * factor).sum()
        }
        try expectClose(slopes[0], dx, tolerance: 4e-6 + 2 * step, "hidden")
        try expectClose(slopes[1], dw, tolerance: 4e-6 + 2 * step, "weight")
        if given.hasBias { try expectClose(slopes[2], db, tolerance: 4e-6 + 2 * step, "bias") }
    }

    /// Twenty rows of 256 would be too many to hold, fifty of 1024 are not; and a factor of the loss takes no copy of its gradients.
    @Test(arguments: Device.all, [(256, 8, 8192, 1.0), (1024, 16, 4096, 1), (1024, 16, 4096, 0.5), (8, 4, 1_000_000, 1)])
    func extraMemoryIsAFewPercentOfTheLogits(device: Device, given: (Int, Int, Int, Double)) throws {
        let (n, d, classes, factor) = given
        var random = Philox(seed: 9)
        let hidden = try Tensor.uniform([n, d], low: -1, high: 1, using: &random, on: device).evaluated()
        let weight = try Tensor.uniform([classes, d], low: -1, high: 1, using: &random, on: device).evaluated()
        let targets = try Tensor((0..<n).map { Int32($0) }, on: device)
        let (_, cost) = try Profiler.measure {
            let slopes = try gradient(at: [hidden, weight]) {
                try linearCrossEntropy(hidden: $0[0], weight: $0[1], targets: targets) * factor
            }
            for slope in slopes { try slope.evaluated() }
        }
        let gradients = (n + classes) * d * 4
        #expect(cost.peakBytes - gradients < n * classes * 4 / 20)
    }

    /// The losses' sum, whose gradients come along with it, is that of losses whose logits are computed again for the gradients.
    @Test(arguments: Device.all, [Float.zero, -.infinity, .infinity, .nan])
    func sumsAreTheSameWithTheirGradientsAndWithout(device: Device, oddity: Float) throws {
        let (n, d, classes) = (9, 6, 150)
        var random = SplitMix64(seed: 11)
        let hidden = try Tensor(random.values(n * d).map { Float($0) }, shape: [n, d], on: device)
        let weight = try Tensor(random.values(classes * d).map { Float($0) }, shape: [classes, d], on: device)
        let bias = try Tensor((0..<classes).map { $0 % 40 == 7 ? oddity : 0.1 }, on: device)
        let targets = try Tensor((0..<n).map { Int32($0 * 13) }, on: device)
        func slopes(_ reduction: Reduction, of bias: Tensor, zLoss: Double) throws -> (value: Tensor, gradient: [Tensor]) {
            try valueWithGradient(at: [hidden, weight, bias]) {
                try linearCrossEntropy(
                    hidden: $0[0], weight: $0[1], bias: $0[2], targets: targets, zLoss: zLoss, reduction: reduction
                ).sum()
            }
        }
        let none = try Tensor.full([classes], -.infinity, on: device)
        for (bias, zLoss) in [(bias, 0.01), (none, 0)] {
            let (with, without) = (try slopes(.sum, of: bias, zLoss: zLoss), try slopes(.none, of: bias, zLoss: zLoss))
            for (a, b) in zip([with.value] + with.gradient, [without.value] + without.gradient) {
                for (x, y) in zip(try a.array(of: Float.self), try b.array(of: Float.self)) {
                    #expect(x == y || (x.isNaN && y.isNaN) || abs(x - y) <= 2e-5 * max(1, abs(y)), "\(x), expected \(y)")
                }
            }
        }
    }

    @Test(arguments: Device.all)
    func nothingToCountAndWrongLabelsAreAnswered(device: Device) throws {
        let hidden = try Tensor.ones([3, 2], on: device)
        let weight = try Tensor.ones([4, 2], on: device)
        let ignored = try Tensor([-100, -100, -100] as [Int32], on: device)
        #expect(try linearCrossEntropy(hidden: hidden, weight: weight, targets: ignored).scalar().isNaN)
        #expect(try linearCrossEntropy(hidden: hidden, weight: weight, targets: ignored, reduction: .sum).scalar() == 0)
        let slopes = try gradient(at: weight) { try linearCrossEntropy(hidden: hidden, weight: $0, targets: ignored, reduction: .sum) }
        #expect(try slopes.array(of: Float.self).allSatisfy { $0 == 0 })
        let wrong = try Tensor([0, -100, 4] as [Int32], on: device)
        #expect(throws: TensorError.indexOutOfRange(operation: "linearCrossEntropy labels", position: 2, index: 4, bound: 4)) {
            try linearCrossEntropy(hidden: hidden, weight: weight, targets: wrong)
        }
    }
}
