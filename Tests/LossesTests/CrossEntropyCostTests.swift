import LossKit
import LossKitTestSupport
import Testing

/// What a cross-entropy costs, and what it does with input that is out of range.
@Suite struct CrossEntropyCostTests {
    private func logits(_ rows: Int, _ classes: Int, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: 8)
        return try Tensor(random.values(rows * classes, in: -3...3).map { Float($0) }, shape: [rows, classes], on: device)
    }

    @Test(arguments: Device.all, [(64, 100), (300, 17), (2, 70_000)])
    func valueAndGradientAreTwoLaunchesAndFewBytes(device: Device, shape: (Int, Int)) throws {
        let (rows, classes) = shape
        let given = try logits(rows, classes, on: device)
        let weights = try Tensor([Float](repeating: 0.5, count: classes), on: device)
        for labels in [
            try Tensor([Int32](repeating: 3, count: rows), on: device), try Tensor([Int64](repeating: 3, count: rows), on: device),
        ] {
            for reduction in [Reduction.mean, .sum] {
                let (_, cost) = try Profiler.measure {
                    let (value, slopes) = try valueWithGradient(at: given) {
                        try crossEntropy(logits: $0, targets: labels, weights: weights, labelSmoothing: 0.1, reduction: reduction)
                    }
                    try value.evaluated()
                    try slopes.evaluated()
                }
                #expect(cost.launches == 2)
                // The gradient, and a few numbers a row or a work-group.
                #expect(cost.peakBytes <= rows * classes * 4 + 64 * rows + 4096)
                #expect(cost.downloadedBytes == 0)
            }
        }
    }

    /// Rows of an image lie apart; on the CPU they are taken as they lie.
    @Test(arguments: [[2, 7, 33], [3, 21, 5, 8], [1, 1024, 3]], [DType.float32, .bfloat16])
    func imagesArePackedNowhere(shape: [Int], dtype: DType) throws {
        var random = SplitMix64(seed: 9)
        let places = [shape[0]] + shape[2...]
        let rows = places.reduce(1, *)
        let given = try Tensor(random.values(shape.reduce(1, *), in: -3...3).map { Float($0) }, shape: shape, on: .cpu).asType(dtype).evaluated()
        let targets = try Tensor((0..<rows).map { Int32($0 % 11 == 4 ? -100 : $0 * 5 % shape[1]) }, shape: places, on: .cpu)
        let options = CrossEntropyOptions(labelSmoothing: 0.1)
        let ((value, slopes), cost) = try Profiler.measure {
            let (value, slopes) = try valueWithGradient(at: given) {
                try crossEntropyStatistics(logits: $0, targets: targets, options: options, reduction: .sum).loss
            }
            return (try value.evaluated(), try slopes.evaluated())
        }
        if dtype == .float32 { #expect(cost.launches == 2) }
        #expect(cost.peakBytes <= given.count * dtype.byteCount + 64 * rows + 4096)
        // The same rows one after the other.
        let order = [0] + Array(2..<shape.count) + [1]
        let packed = try given.transposed(order).reshaped([rows, shape[1]]).evaluated()
        let (same, others) = try valueWithGradient(at: packed) {
            try crossEntropyStatistics(logits: $0, targets: targets.flattened(), options: options, reduction: .sum).loss
        }
        #expect(try value.scalar() == same.scalar())
        #expect(try slopes.transposed(order).array(of: Double.self) == others.array(of: Double.self))
    }

    @Test(arguments: Device.all)
    func aWrongLabelIsThrownByWhateverDependsOnIt(device: Device) throws {
        let given = try logits(300, 4, on: device)
        var labels = [Int32](repeating: 1, count: 300)
        (labels[7], labels[123], labels[250]) = (-100, 9, -5)
        let targets = try Tensor(labels, on: device)
        let expected = TensorError.indexOutOfRange(operation: "crossEntropy targets", position: 123, index: 9, bound: 4)
        for reduction in Reduction.allCases {
            #expect(throws: expected) { try crossEntropy(logits: given, targets: targets, reduction: reduction).array(of: Float.self) }
            #expect(throws: expected) {
                let slopes = try gradient(at: given) { try crossEntropy(logits: $0, targets: targets, reduction: reduction).sum() }
                _ = try (slopes * 2 + 1).sum().scalar()
            }
        }
        #expect(throws: expected) {
            let loss = try crossEntropy(logits: given, targets: targets, reduction: .none)
            _ = try loss.reshaped([20, 15]).matmul(Tensor.ones([15, 2], on: device)).array(of: Float.self)
        }
        // Nothing else is touched.
        let right = try Tensor([Int32](repeating: 1, count: 300), on: device)
        #expect(try crossEntropy(logits: given, targets: right).scalar().isFinite)
        #expect(try given.array(of: Float.self).allSatisfy(\.isFinite))
        try device.synchronize()
    }

    /// Checks that passed are let go of, so that a long chain of steps does not carry all of them.
    @Test(arguments: Device.all)
    func manyStepsWithoutReadingStayCheap(device: Device) throws {
        var weights = try Tensor.zeros([8, 4], on: device).evaluated()
        let inputs = try logits(16, 8, on: device)
        let targets = try Tensor((0..<16).map { Int32($0 % 4) }, on: device)
        for _ in 0..<200 {
            let slopes = try gradient(at: weights) { try crossEntropy(logits: inputs.matmul($0), targets: targets) }
            weights = try (weights - slopes * 0.1).evaluated()
        }
        let wrong = try Tensor((0..<16).map { Int32($0 == 5 ? 4 : 0) }, on: device)
        #expect(throws: TensorError.indexOutOfRange(operation: "crossEntropy targets", position: 5, index: 4, bound: 4)) {
            for _ in 0..<3 {
                let slopes = try gradient(at: weights) { try crossEntropy(logits: inputs.matmul($0), targets: wrong) }
                weights = try (weights - slopes * 0.1).evaluated()
            }
            _ = try weights.array(of: Float.self)
        }
    }
}
