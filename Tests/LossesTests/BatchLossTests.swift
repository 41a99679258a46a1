import LossKit
import LossKitTestSupport
import Testing

/// What losses over a batch make of batches without pairs, of equal points and of bad input, and what they hold.
@Suite struct BatchLossTests {
    typealias Loss = @Sendable (Tensor, Tensor) throws -> Tensor

    static let losses: [(name: String, loss: Loss)] = [
        ("ntXent", { try ntXent(embeddings: $0, labels: $1) }),
        ("supCon", { try supCon(embeddings: $0, labels: $1) }),
        ("batchHard", { try batchTripletMargin(embeddings: $0, labels: $1) }),
        ("softMargin", { try batchTripletMargin(embeddings: $0, labels: $1, margin: nil) }),
        ("semiHard", { try batchTripletMargin(embeddings: $0, labels: $1, mining: .semiHard) }),
        ("batchAll", { try batchTripletMargin(embeddings: $0, labels: $1, mining: .batchAll) }),
    ]

    private func drawn(_ shape: [Int], seed: UInt64, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try Tensor(random.values(shape.reduce(1, *)).map { Float($0) }, shape: shape, on: device)
    }

    @Test(arguments: Device.all, losses.indices)
    func noPositiveIsNoLoss(device: Device, index: Int) throws {
        let loss = Self.losses[index].loss
        for n in [1, 6] {
            let points = try drawn([n, 4], seed: 1, on: device)
            let labels = try Tensor(Array(0..<n), on: device)
            let (value, slope) = try valueWithGradient(at: points) { try loss($0, labels) }
            #expect(try value.scalar() == 0)
            #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 })
        }
    }

    @Test(arguments: Device.all, losses.indices.filter { losses[$0].name != "supCon" })
    func noNegativeIsNoLoss(device: Device, index: Int) throws {
        let points = try drawn([5, 4], seed: 2, on: device)
        let labels = try Tensor([7, 7, 7, 7, 7], on: device)
        let (value, slope) = try valueWithGradient(at: points) { try Self.losses[index].loss($0, labels) }
        #expect(try value.scalar() == 0)
        #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 })
    }

    @Test(arguments: Device.all, losses.indices)
    func equalPointsHaveAFiniteGradient(device: Device, index: Int) throws {
        for d in [3, 40] {
            let points = try Tensor([Float](repeating: 0.5, count: 20 * d), shape: [20, d], on: device)
            let labels = try Tensor((0..<20).map { $0 % 4 }, on: device)
            let (value, slope) = try valueWithGradient(at: points) { try Self.losses[index].loss($0, labels) }
            #expect(try value.scalar().isFinite)
            #expect(try slope.array(of: Float.self).allSatisfy { abs($0) < 1e-4 })
        }
    }

    @Test(arguments: Device.all, losses.indices)
    func notANumberStaysOne(device: Device, index: Int) throws {
        var numbers = try drawn([8, 3], seed: 3, on: device).array(of: Float.self)
        numbers[4] = .nan
        let points = try Tensor(numbers, shape: [8, 3], on: device)
        let labels = try Tensor((0..<8).map { $0 % 2 }, on: device)
        #expect(try Self.losses[index].loss(points, labels).scalar().isNaN)
    }

    /// Of two distances that overflow nobody knows the larger, so that the loss is not a number, and no 0; one alone is above all others.
    @Test(arguments: Device.all, TripletMining.allCases)
    func distancesThatOverflow(device: Device, mining: TripletMining) throws {
        func loss(_ x: [Float], _ labels: [Int], margin: Double? = 0.2) throws -> [Float] {
            let points = try Tensor(x.flatMap { [$0, 0] }, shape: [x.count, 2], on: device)
            return try batchTripletMargin(
                embeddings: points, labels: Tensor(labels, on: device), margin: margin, mining: mining, reduction: .none
            ).array()
        }
        for margin in mining == .batchHard ? [0.2, nil] : [0.2] {
            #expect(try loss([0, 1e30, -1e30, 2e30, 3e30, -3e30], [0, 0, 0, 1, 1, 1], margin: margin).allSatisfy(\.isNaN))
            #expect(try loss([0, 0, 1e30, 1e30], [0, 0, 1, 1], margin: margin) == [0, 0, 0, 0], "all negatives are farther")
            let mixed = try loss([0, 1e30, 1], [0, 0, 1], margin: margin)
            #expect(mixed[0] == .infinity && mixed[1].isNaN && mixed[2] == 0, "\(mixed)")
        }
    }

    @Test(arguments: Device.all, losses.indices)
    func memoryIsOfThePointsNotOfThePairs(device: Device, index: Int) throws {
        let (n, d) = (3072, 8)
        let points = try drawn([n, d], seed: 4, on: device)
        let labels = try Tensor((0..<n).map { $0 / 4 }, on: device)
        let cost = try Profiler.measure { try gradient(at: points) { try Self.losses[index].loss($0, labels) }.evaluated() }.measurement
        // Blocks of rows of 4 MiB each, and numbers of each point: all pairs would be 36 MiB.
        #expect(cost.peakBytes < (device.kind == .cpu ? 2 : 5) << 22 + 40 * n * (d + 8))
    }

    @Test(arguments: Device.all, losses.indices)
    func badInputIsNamed(device: Device, index: Int) throws {
        let loss = Self.losses[index].loss
        let points = try Tensor.zeros([4, 2], on: device)
        let labels = try Tensor([1, 2, 3, 4], on: device)
        expectRefusals([
            ("labels [4]", { try loss(points, Tensor([1, 2, 3], on: device)) }),
            ("integer labels", { try loss(points, labels.asType(.float32)) }),
            ("embeddings", { try loss(points.flattened(), labels) }),
            ("floating point", { try loss(points.asType(.int32), labels) }),
            ("temperature > 0", { try ntXent(embeddings: points, labels: labels, temperature: 0) }),
            ("a margin", { try batchTripletMargin(embeddings: points, labels: labels, margin: nil, mining: .batchAll) }),
        ])
    }
}
