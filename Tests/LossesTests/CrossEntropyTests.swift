import Foundation
import LossKit
import LossKitTestSupport
import Testing

@Suite struct CrossEntropyTests {
    private func logits(_ rows: Int, _ classes: Int, seed: UInt64 = 1) -> Matrix {
        var random = SplitMix64(seed: seed)
        return Matrix(rows: rows, columns: classes, values: random.values(rows * classes, in: -6...6).map { Double(Float($0)) })
    }

    private func labels(_ rows: Int, _ classes: Int) -> [Int32] { (0..<rows).map { Int32($0 * 7 % classes) } }

    private func tensor(_ z: Matrix, on device: Device) throws -> Tensor {
        try Tensor(z.values.map { Float($0) }, shape: [z.rows, z.columns], on: device)
    }

    /// softmax(z) - onehot(y), by rows.
    private func slope(_ z: Matrix, _ labels: [Int32]) -> [Double] {
        (0..<z.rows).flatMap { i in
            let partition = logSumExp(z.row(i))
            return (0..<z.columns).map { exp(z[i, $0] - partition) - (Int(labels[i]) == $0 ? 1 : 0) }
        }
    }

    @Test(arguments: Device.all, [(1, 1), (5, 2), (3, 17), (7, 1000), (2, 4099), (1, 50257)])
    func rowsOfAnyLengthAgreeWithTheFormula(device: Device, shape: (Int, Int)) throws {
        let (rows, classes) = shape
        let z = logits(rows, classes)
        let y = labels(rows, classes)
        let targets = try Tensor(y, on: device)
        var random = SplitMix64(seed: 2)
        let weights = random.values(rows, in: 0.5...1.5)
        let given = try tensor(z, on: device)
        let expected = (0..<rows).map { logSumExp(z.row($0)) - z[$0, Int(y[$0])] }
        try expectClose(crossEntropy(logits: given, targets: targets, reduction: .none), expected, tolerance: 1e-6, "\(shape)")
        let gradients = try gradient(at: given) {
            try (crossEntropy(logits: $0, targets: targets, reduction: .none) * Tensor(weights.map { Float($0) }, on: device)).sum()
        }
        let derivative = slope(z, y).enumerated().map { weights[$0.offset / classes] * $0.element }
        try expectClose(gradients, derivative, tolerance: 1e-6, "gradient \(shape)")
    }

    @Test(arguments: Device.all)
    func ignoredRowsAndWeightsFollowTheWeightedMean(device: Device) throws {
        let z = logits(4, 3)
        let targets = try Tensor([2, -100, 0, 1] as [Int64], on: device)
        let weights = [0.5, 2, 3]
        let given = try tensor(z, on: device)
        let value = try crossEntropy(logits: given, targets: targets, weights: Tensor(weights.map { Float($0) }, on: device))
        let rows = [(0, 2), (2, 0), (3, 1)]
        let total = rows.reduce(0) { $0 + weights[$1.1] * (logSumExp(z.row($1.0)) - z[$1.0, $1.1]) }
        try expectClose(value, [total / 5.5], tolerance: 1e-6)
        let slopes = try gradient(at: given) { try crossEntropy(logits: $0, targets: targets) }.array(of: Double.self)
        #expect(slopes[3..<6].allSatisfy { $0 == 0 })
    }

    @Test(arguments: Device.all)
    func everyRowIgnoredHasMeanNaNAndSumZero(device: Device) throws {
        let given = try tensor(logits(3, 4), on: device)
        let targets = try Tensor([7, 7, 7] as [Int32], on: device)
        #expect(try crossEntropy(logits: given, targets: targets, ignoreIndex: 7).scalar().isNaN)
        #expect(try crossEntropy(logits: given, targets: targets, ignoreIndex: 7, reduction: .sum).scalar() == 0)
        let slopes = try gradient(at: given) { try crossEntropy(logits: $0, targets: targets, ignoreIndex: 7, reduction: .sum) }
        #expect(try slopes.array(of: Float.self).allSatisfy { $0 == 0 })
    }

    @Test(arguments: Device.all)
    func probabilitiesOfOneClassEqualItsIndex(device: Device) throws {
        let given = try tensor(logits(6, 5), on: device)
        let y = labels(6, 5)
        let hot = try Tensor(y.flatMap { label in (0..<5).map { $0 == Int(label) ? Float(1) : 0 } }, shape: [6, 5], on: device)
        let index = try Tensor(y, on: device)
        for smoothing in [0, 0.2] {
            let expected = try crossEntropy(logits: given, targets: index, labelSmoothing: smoothing).array(of: Double.self)
            try expectClose(crossEntropy(logits: given, targets: hot, labelSmoothing: smoothing), expected, tolerance: 1e-6)
            let slopes = try gradient(at: given) { try crossEntropy(logits: $0, targets: index, labelSmoothing: smoothing) }
            let same = try gradient(at: given) { try crossEntropy(logits: $0, targets: hot, labelSmoothing: smoothing) }
            try expectClose(same, slopes.array(of: Double.self), tolerance: 1e-6)
        }
    }

    @Test(arguments: Device.all)
    func infiniteAndMissingLogitsAreDefined(device: Device) throws {
        let infinity = Float.infinity
        let rows: [Float] = [1, -infinity, 2, .nan, 0, 1, 0, -infinity, 1, 1e30, -1e30, 0]
        let value = try crossEntropy(
            logits: Tensor(rows, shape: [4, 3], on: device), targets: Tensor([0, 1, 1, 0] as [Int32], on: device), reduction: .none
        ).array(of: Double.self)
        expectClose([value[0]], [1 + log(1 + exp(-1.0)) + 0], tolerance: 1e-6)
        #expect(value[1].isNaN)
        #expect(value[2] == .infinity)
        #expect(value[3] == 0)
        let long = [Float](repeating: -infinity, count: 40) + [3]
        let single = try crossEntropy(logits: Tensor(long, shape: [1, 41], on: device), targets: Tensor([40] as [Int32], on: device))
        #expect(try single.scalar() == 0)
    }

    @Test(arguments: Device.all)
    func imagesCarryTheirClassesSecond(device: Device) throws {
        let (n, classes, width) = (2, 3, 5)
        var random = SplitMix64(seed: 4)
        let z = random.values(n * classes * width, in: -3...3).map { Double(Float($0)) }
        let y = (0..<n * width).map { Int32($0 % classes) }
        let value = try crossEntropy(
            logits: Tensor(z.map { Float($0) }, shape: [n, classes, width], on: device), targets: Tensor(y, shape: [n, width], on: device),
            reduction: .none)
        #expect(value.shape == [n, width])
        let expected = (0..<n * width).map { at in
            let column = (0..<classes).map { z[(at / width * classes + $0) * width + at % width] }
            return logSumExp(column) - column[Int(y[at])]
        }
        try expectClose(value, expected, tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func secondDerivativesAgreeWithTheFormula(device: Device) throws {
        let z = logits(2, 4)
        var random = SplitMix64(seed: 6)
        let direction = random.values(8, in: 0.5...1.5).map { Double(Float($0)) }
        let along = try Tensor(direction.map { Float($0) }, shape: [2, 4], on: device)
        let targets = try Tensor([1, 3] as [Int32], on: device)
        let product = try gradient(at: tensor(z, on: device)) { point in
            try (gradient(at: point) { try crossEntropy(logits: $0, targets: targets, reduction: .sum) } * along).sum()
        }
        let expected = (0..<2).flatMap { i in
            let partition = logSumExp(z.row(i))
            let p = z.row(i).map { exp($0 - partition) }
            let mean = (0..<4).reduce(0) { $0 + p[$1] * direction[i * 4 + $1] }
            return (0..<4).map { p[$0] * (direction[i * 4 + $0] - mean) }
        }
        try expectClose(product, expected, tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func aLabelOutOfRangeIsNamed(device: Device) throws {
        let given = try tensor(logits(3, 4), on: device)
        let targets = try Tensor([0, 3, 4] as [Int32], on: device)
        #expect(throws: TensorError.indexOutOfRange(operation: "crossEntropy targets", position: 2, index: 4, bound: 4)) {
            try crossEntropy(logits: given, targets: targets).scalar()
        }
    }

    @Test(arguments: Device.all)
    func repeatsExactly(device: Device) throws {
        let given = try tensor(logits(37, 1031), on: device)
        let targets = try Tensor(labels(37, 1031), on: device)
        func bits() throws -> [UInt32] {
            let slopes = try gradient(at: given) { try crossEntropy(logits: $0, targets: targets, labelSmoothing: 0.1) }
            return try slopes.array(of: Float.self).map(\.bitPattern)
        }
        let first = try bits()
        for _ in 0..<3 { #expect(try bits() == first) }
    }
}
