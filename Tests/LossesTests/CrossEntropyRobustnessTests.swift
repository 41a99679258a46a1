import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// What is left of a cross-entropy at the borders of its domain: the same on every device.
@Suite struct CrossEntropyRobustnessTests {
    private func slopes(_ logits: Tensor, _ targets: Tensor, weights: Tensor? = nil, smoothing: Double = 0, _ reduction: Reduction) throws -> [Double] {
        try gradient(at: logits) {
            try crossEntropy(logits: $0, targets: targets, weights: weights, labelSmoothing: smoothing, reduction: reduction).sum()
        }.array(of: Double.self)
    }

    @Test(arguments: Device.all, [0, 0.1])
    func rowsOfMinusInfinityCountForNothing(device: Device, smoothing: Double) throws {
        for classes in [1, 3, 70_000] {
            let rows = [Float](repeating: -.infinity, count: classes) + [Float](repeating: 2, count: classes)
            let logits = try Tensor(rows, shape: [2, classes], on: device)
            let targets = try Tensor([0, 0] as [Int32], on: device)
            let value = try crossEntropy(logits: logits, targets: targets, labelSmoothing: smoothing, reduction: .none)
            expectClose(try value.array(of: Double.self), [0, log(Double(classes))], tolerance: 1e-6)
            #expect(try slopes(logits, targets, smoothing: smoothing, .sum)[..<classes].allSatisfy { $0 == 0 })
            let soft = try Tensor.full([2, classes], 1 / Double(classes), on: device)
            let second = try crossEntropy(logits: logits, targets: soft, reduction: .none).array(of: Double.self)
            expectClose(second, [0, log(Double(classes))], tolerance: 1e-5)
        }
    }

    /// A class that cannot be costs without bound where it is the target, and nothing where it has no weight.
    @Test(arguments: Device.all)
    func zeroTimesInfinityIsZero(device: Device) throws {
        let logits = try Tensor([0, -Float.infinity, 1] as [Float], shape: [1, 3], on: device)
        let targets = try Tensor([0] as [Int32], on: device)
        let weights = try Tensor([1, 0, 1] as [Float], on: device)
        #expect(try crossEntropy(logits: logits, targets: targets, labelSmoothing: 0.3, reduction: .sum).scalar() == .infinity)
        let partition = log(1 + exp(1.0))
        let finite = try crossEntropy(logits: logits, targets: targets, weights: weights, labelSmoothing: 0.3, reduction: .sum)
        try expectClose(finite, [0.7 * partition + 0.1 * (partition + partition - 1)])
        let soft = try Tensor([0.5, 0, 0.5] as [Float], shape: [1, 3], on: device)
        try expectClose(crossEntropy(logits: logits, targets: soft, reduction: .sum), [partition - 0.5])
        #expect(try slopes(logits, soft, .sum)[1] == 0)
    }

    @Test(arguments: Device.all)
    func aSingleClassAndNoRows(device: Device) throws {
        let single = try Tensor([3, -1e30, 7] as [Float], shape: [3, 1], on: device)
        let targets = try Tensor([0, 0, 0] as [Int32], on: device)
        #expect(try crossEntropy(logits: single, targets: targets).scalar() == 0)
        #expect(try slopes(single, targets, .mean).allSatisfy { $0 == 0 })
        let empty = try Tensor.zeros([0, 5], on: device)
        let none = try Tensor([Int32](), on: device)
        #expect(try crossEntropy(logits: empty, targets: none).scalar().isNaN)
        #expect(try crossEntropy(logits: empty, targets: none, reduction: .sum).scalar() == 0)
        #expect(try crossEntropy(logits: empty, targets: none, reduction: .none).shape == [0])
        #expect(try slopes(empty, none, .mean).isEmpty)
        let noClasses = try Tensor.zeros([2, 0], on: device)
        let ignored = try Tensor([-100, -100] as [Int32], on: device)
        #expect(try crossEntropy(logits: noClasses, targets: ignored, reduction: .sum).scalar() == 0)
        #expect(throws: TensorError.indexOutOfRange(operation: "crossEntropy targets", position: 0, index: 0, bound: 0)) {
            try crossEntropy(logits: noClasses, targets: Tensor([0, 0] as [Int32], on: device)).scalar()
        }
    }

    @Test(arguments: Device.all)
    func withoutAnyWeightTheMeanIsNaNAndItsGradientZero(device: Device) throws {
        let logits = try Tensor((0..<12).map { Float($0) }, shape: [3, 4], on: device)
        let weights = try Tensor.zeros([4], on: device)
        let targets = try Tensor([0, 1, 2] as [Int32], on: device)
        #expect(try crossEntropy(logits: logits, targets: targets, weights: weights).scalar().isNaN)
        #expect(try crossEntropy(logits: logits, targets: targets, weights: weights, reduction: .sum).scalar() == 0)
        #expect(try slopes(logits, targets, weights: weights, .mean).allSatisfy { $0 == 0 })
        let ignored = try Tensor([-100, -100, -100] as [Int32], on: device)
        #expect(try slopes(logits, ignored, .mean).allSatisfy { $0 == 0 })
    }

    /// Only the row that holds it, wherever it stands; ignored rows hide it.
    @Test(arguments: Device.all)
    func aNaNStaysInItsRow(device: Device) throws {
        for classes in [5, 1031, 40_000] {
            for place in [0, classes / 2, classes - 1] {
                var values = [Float](repeating: 0.5, count: 3 * classes)
                values[classes + place] = .nan
                values[2 * classes + place] = .nan
                let logits = try Tensor(values, shape: [3, classes], on: device)
                let targets = try Tensor([1, 1, -100] as [Int32], on: device)
                let value = try crossEntropy(logits: logits, targets: targets, reduction: .none).array(of: Double.self)
                #expect(value[0].isFinite && value[1].isNaN && value[2] == 0)
                let slopes = try slopes(logits, targets, .sum)
                #expect(slopes[..<classes].allSatisfy(\.isFinite) && slopes[classes..<2 * classes].allSatisfy(\.isNaN))
                #expect(slopes[(2 * classes)...].allSatisfy { $0 == 0 })
            }
        }
    }

    /// Masses count as they are: a row's loss and gradient grow with their sum.
    @Test(arguments: Device.all)
    func softTargetsNeedNotSumToOne(device: Device) throws {
        let logits = try Tensor([1, 2, 4] as [Float], shape: [1, 3], on: device)
        let masses = [2.0, 0, 0.5]
        let targets = try Tensor(masses.map { Float($0) }, shape: [1, 3], on: device)
        let oracle = CrossEntropyOracle()
        try expectClose(crossEntropy(logits: logits, targets: targets), [oracle.loss([1, 2, 4], .masses(masses))])
        expectClose(try slopes(logits, targets, .mean), oracle.gradient([1, 2, 4], .masses(masses)), tolerance: 1e-6)
        let none = try Tensor.zeros([1, 3], on: device)
        #expect(try crossEntropy(logits: logits, targets: none).scalar() == 0)
        #expect(try slopes(logits, none, .mean).allSatisfy { $0 == 0 })
    }

    @Test(arguments: Device.all)
    func gradientsOfImagesLieWhereTheirLogitsDo(device: Device) throws {
        let (n, classes, width) = (2, 3, 5)
        var random = SplitMix64(seed: 14)
        let z = random.values(n * classes * width, in: -3...3).map { Double(Float($0)) }
        let logits = try Tensor(z.map { Float($0) }, shape: [n, classes, width], on: device)
        let y = (0..<n * width).map { $0 * 2 % classes }
        let targets = try Tensor(y.map { Int32($0) }, shape: [n, width], on: device)
        var expected = [Double](repeating: 0, count: z.count)
        let oracle = CrossEntropyOracle()
        for at in 0..<n * width {
            let places = (0..<classes).map { (at / width * classes + $0) * width + at % width }
            let slope = oracle.gradient(places.map { z[$0] }, .label(y[at]))
            for (place, value) in zip(places, slope) { expected[place] = value / Double(n * width) }
        }
        expectClose(try slopes(logits, targets, .mean), expected, tolerance: 1e-6)
    }
}
