import LossKit
import LossKitTestSupport
import Testing

/// What the losses say of their memory.
@Suite struct LossCostTests {
    private static let width = 1500

    private func drawn(_ shape: [Int], seed: UInt64, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try Tensor(random.values(shape.reduce(1, *)).map { Float($0) }, shape: shape, on: device)
    }

    /// The most bytes held beyond the inputs, forward and backward.
    private func peak(at point: Tensor, _ loss: (Tensor) throws -> Tensor) throws -> Int {
        try Profiler.measure { try gradient(at: point, of: loss).evaluated() }.1.peakBytes
    }

    @Test(arguments: Device.all)
    func pairsAreNeverHeld(device: Device) throws {
        let pairs = Self.width * Self.width * 4
        let x = try drawn([1, Self.width], seed: 1, on: device)
        let losses = try drawn([1, Self.width], seed: 2, on: device)
        let labels = try Tensor((0..<Self.width).map { Int32($0 < 40 ? $0 * 3 : -1) }, shape: [1, Self.width], on: device)
        let others = try drawn([Self.width], seed: 3, on: device)
        #expect(try peak(at: x) { try multiLabelMargin(logits: $0, targets: labels) } < pairs / 8)
        #expect(try peak(at: x) { try relativeLossPrediction(predictions: $0, targets: losses) } < pairs / 8)
        #expect(try peak(at: x) { try mannWhitney(positives: $0.flattened(), negatives: others) } < pairs / 8)
    }

    @Test(arguments: Device.all)
    func functionsOfTheCrossEntropyKeepNothingOfTheLogitsSize(device: Device) throws {
        let (rows, classes) = (64, 4000)
        let logits = try drawn([rows, classes], seed: 1, on: device)
        let labels = try Tensor((0..<rows).map { Int32($0 * 61) }, on: device)
        let size = rows * classes * 4
        // The gradient itself, and little beside it.
        #expect(try peak(at: logits) { try focal(logits: $0, targets: labels) } < size + size / 8)
        #expect(try peak(at: logits) { try polyCrossEntropy(logits: $0, targets: labels) } < size + size / 8)
        #expect(try peak(at: logits) { try generalizedCrossEntropy(logits: $0, targets: labels) } < size + size / 8)
        #expect(try peak(at: logits) { try symmetricCrossEntropy(logits: $0, targets: labels) } < size + size / 8)
    }

    @Test(arguments: Device.all)
    func alignmentsTakeAsManyLaunchesForAnyNumberOfFrames(device: Device) throws {
        func launches(_ frames: Int) throws -> Int {
            let logs = try drawn([frames, 2, 5], seed: 1, on: device).logSoftmax().evaluated()
            let targets = try Tensor([1, 2, 3, 4, 4, 2] as [Int32], shape: [2, 3], on: device)
            let lengths = try Tensor([Int32(frames), Int32(frames - 1)], on: device)
            let sizes = try Tensor([3, 2] as [Int32], on: device)
            return try Profiler.measure {
                try gradient(at: logs) {
                    try ctc(logProbabilities: $0, targets: targets, inputLengths: lengths, targetLengths: sizes)
                }.evaluated()
            }.1.launches
        }
        #expect(try launches(8) == launches(200))
        #expect(try launches(8) < 30)
    }
}
