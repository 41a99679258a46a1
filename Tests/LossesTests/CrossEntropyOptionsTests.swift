import LossKit
import LossKitTestSupport
import Testing

/// The options of a cross-entropy together, and what else the pass over its logits tells.
@Suite struct CrossEntropyOptionsTests {
    private let batch = 3
    private let classes = 37
    private let width = 5
    private let labels: [Int32] = [3, 36, -100, 0, 12, 7, 7, -100, 30, 1, 2, 3, 35, 0, 9]

    private var oracle: CrossEntropyOracle {
        var oracle = CrossEntropyOracle()
        (oracle.smoothing, oracle.zLoss, oracle.softCap, oracle.temperature) = (0.1, 0.01, 4, 0.8)
        oracle.weights = (0..<classes).map { 0.5 + Double($0 % 5) / 4 }
        return oracle
    }

    private var scales: [Double] { (0..<batch * width).map { 0.25 * Double($0 % 4 + 1) } }

    private func options(on device: Device) throws -> CrossEntropyOptions {
        CrossEntropyOptions(
            weights: try Tensor((oracle.weights ?? []).map { Float($0) }, on: device), labelSmoothing: oracle.smoothing, zLoss: oracle.zLoss,
            softCap: oracle.softCap, temperature: oracle.temperature,
            rowScales: try Tensor(scales.map { Float($0) }, shape: [batch, width], on: device))
    }

    /// Logits [N, C, d] of a type, and the values that it holds by rows.
    private func logits(_ dtype: DType, on device: Device) throws -> (Tensor, rows: [[Double]]) {
        var random = SplitMix64(seed: 31)
        let tensor = try Tensor(
            random.values(batch * classes * width, in: -4...4).map { Float($0) }, shape: [batch, classes, width], on: device
        ).asType(dtype).evaluated()
        let values = try tensor.array(of: Double.self)
        let rows = (0..<batch * width).map { row in
            (0..<classes).map { values[(row / width * classes + $0) * width + row % width] }
        }
        return (tensor, rows)
    }

    @Test(arguments: Device.all, [DType.float32, .float16, .bfloat16])
    func everythingAgreesWithTheFormulaInTwoLaunches(device: Device, dtype: DType) throws {
        let (x, rows) = try logits(dtype, on: device)
        let targets = try Tensor(labels, shape: [batch, width], on: device)
        let options = try options(on: device)
        let rounding = dtype == .float32 ? 0 : dtype == .float16 ? 1e-3 : 8e-3
        let counted = labels.indices.filter { labels[$0] != -100 }
        let total = counted.reduce(0) { $0 + (oracle.weights?[Int(labels[$1])] ?? 1) }
        let losses = labels.indices.map { row in
            labels[row] == -100 ? 0 : scales[row] * oracle.loss(rows[row], .label(Int(labels[row])))
        }
        let right = counted.filter { row in rows[row].firstIndex(of: rows[row].max() ?? 0) == Int(labels[row]) }.count

        let result = try crossEntropyStatistics(logits: x, targets: targets, options: options, reduction: .none)
        #expect(result.loss.shape == [batch, width] && result.loss.dtype == dtype)
        try expectClose(result.loss, losses, tolerance: 2e-6 + rounding)
        try expectClose(result.logPartition, rows.map { logSumExp(oracle.shaped($0)) }, tolerance: 1e-6)
        #expect(try result.predictions.array(of: Int.self) == rows.map { $0.firstIndex(of: $0.max() ?? 0) ?? -1 })
        #expect(result.predictions.shape == [batch, width] && result.logPartition.shape == [batch, width])
        try expectClose(result.accuracy ?? .zeros([], on: device), [Double(right) / Double(counted.count)], tolerance: 1e-6)

        // The mean and its gradient, as rows of classes so that nothing is packed.
        let flat = try x.transposed([0, 2, 1]).reshaped([batch * width, classes]).evaluated()
        var flatOptions = options
        flatOptions.rowScales = try options.rowScales?.flattened().evaluated()
        let list = try targets.flattened().evaluated()
        let ((value, slopes), cost) = try Profiler.measure {
            let (value, slopes) = try valueWithGradient(at: flat) {
                try crossEntropyStatistics(logits: $0, targets: list, options: flatOptions).loss
            }
            return (try value.evaluated(), try slopes.evaluated())
        }
        #expect(cost.downloadedBytes == 0)
        if dtype == .float32 { #expect(cost.launches == 2) }
        try expectClose(value, [losses.reduce(0, +) / total], tolerance: 2e-6 + rounding)
        let expected = labels.indices.flatMap { row -> [Double] in
            guard labels[row] != -100 else { return [Double](repeating: 0, count: classes) }
            return oracle.gradient(rows[row], .label(Int(labels[row]))).map { $0 * scales[row] / total }
        }
        #expect(slopes.dtype == dtype)
        try expectClose(slopes, expected, tolerance: 2e-6 + rounding)
        try expectClose(crossEntropy(logits: flat, targets: list, options: flatOptions), [losses.reduce(0, +) / total], tolerance: 2e-6 + rounding)
    }

    /// Probabilities have no right class; one sample has no axis of rows.
    @Test(arguments: Device.all)
    func probabilitiesAndSingleSamples(device: Device) throws {
        let x = try Tensor([1, 3, 2] as [Float], on: device)
        let soft = try crossEntropyStatistics(logits: x, targets: Tensor([0.25, 0.5, 0.25] as [Float], on: device))
        #expect(soft.accuracy == nil)
        #expect(try soft.predictions.scalar() == 1 && soft.predictions.shape == [])
        let one = try crossEntropyStatistics(
            logits: x, targets: Tensor(1 as Int32, on: device), options: CrossEntropyOptions(temperature: 2), reduction: .none)
        let oracle = CrossEntropyOracle()
        try expectClose(one.loss, [oracle.loss([0.5, 1.5, 1], .label(1))], tolerance: 1e-6)
        #expect(try one.accuracy?.scalar() == 1 && one.loss.shape == [])
    }

    @Test(arguments: Device.all)
    func rowScalesHaveTheTargetsShape(device: Device) throws {
        let x = try Tensor.zeros([2, 3], on: device)
        let targets = try Tensor([0, 1] as [Int32], on: device)
        #expect(throws: TensorError.shapeMismatch(operation: "crossEntropy", expected: "row scales [2]", actual: [[3]])) {
            try crossEntropy(logits: x, targets: targets, options: CrossEntropyOptions(rowScales: Tensor.ones([3], on: device)))
        }
        #expect(throws: TensorError.self) {
            try crossEntropy(logits: x, targets: targets, options: CrossEntropyOptions(rowScales: Tensor([1, 2] as [Int32], on: device)))
        }
    }
}
