import Foundation
import LossKit
import LossKitOps
import LossKitTestSupport
import Testing

/// The fused kernel with every option, against the formula.
@Suite struct RowCrossEntropyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var rows = 5
        var classes = 37
        var type = DType.float32
        var isSoft = false
        var weighted = false
        var scaled = false
        var smoothing = 0.0
        var zLoss = 0.0
        var softCap: Double?
        var temperature = 1.0
        var reduction = CrossEntropyOptions.Reduction.none
        var testDescription: String {
            "\(rows)x\(classes) \(type) soft \(isSoft) weights \(weighted) scales \(scaled) s \(smoothing) z \(zLoss) cap \(softCap ?? 0) "
                + "T \(temperature) \(reduction)"
        }
    }

    static let cases: [Case] = [
        Case(rows: 3, classes: 1), Case(rows: 1, classes: 2, reduction: .mean), Case(rows: 70, classes: 3, weighted: true, reduction: .mean),
        Case(weighted: true, smoothing: 0.3, reduction: .sum), Case(scaled: true, zLoss: 0.01, reduction: .mean),
        Case(softCap: 5, temperature: 0.7), Case(isSoft: true, weighted: true, smoothing: 0.1, zLoss: 0.02, reduction: .mean),
        Case(classes: 1031, isSoft: true, scaled: true, softCap: 4, temperature: 2, reduction: .sum),
        Case(rows: 9, classes: 4099, weighted: true, scaled: true, smoothing: 0.2, zLoss: 0.01, softCap: 8, temperature: 1.5, reduction: .mean),
        Case(rows: 1, classes: 100_003, weighted: true, smoothing: 0.1, reduction: .mean), Case(rows: 3, classes: 70_001, isSoft: true),
        Case(rows: 2, classes: 66_000, type: .bfloat16, softCap: 6, reduction: .sum), Case(classes: 133, type: .float16),
        Case(classes: 129, type: .bfloat16, weighted: true, smoothing: 0.1, reduction: .mean),
        Case(classes: 64, type: .float16, isSoft: true, temperature: 3, reduction: .mean), Case(classes: 5, type: .float64),
    ]

    @Test(arguments: Device.all, cases)
    func lossGradientAndPartitionAgreeWithTheFormula(device: Device, given: Case) throws {
        let (rows, classes) = (given.rows, given.classes)
        var random = SplitMix64(seed: 3)
        // The oracle starts from the logits as their type holds them.
        let wide = random.values(rows * classes, in: -6...6).map { Float($0) }
        let logits = try Tensor(wide, shape: [rows, classes], on: device).asType(given.type).evaluated()
        let x = try logits.array(of: Double.self)
        let weights = random.values(classes, in: 0.5...2).map { Double(Float($0)) }
        let scales = random.values(rows, in: -1...2).map { Double(Float($0)) }
        let soft = random.values(rows * classes, in: 0...1).map { Double(Float($0)) }
        let labels = (0..<rows).map { Int32($0 * 31 % classes) }
        var oracle = CrossEntropyOracle()
        oracle.weights = given.weighted ? weights : nil
        (oracle.smoothing, oracle.zLoss, oracle.softCap, oracle.temperature) = (given.smoothing, given.zLoss, given.softCap, given.temperature)
        var options = CrossEntropyOptions()
        func tensor(_ values: [Double], _ shape: [Int]) throws -> Tensor { try Tensor(values.map { Float($0) }, shape: shape, on: device) }
        options.weights = given.weighted ? try tensor(weights, [classes]) : nil
        options.rowScales = given.scaled ? try tensor(scales, [rows]) : nil
        (options.smoothing, options.zLoss, options.softCap, options.temperature) = (given.smoothing, given.zLoss, given.softCap, given.temperature)
        (options.reduction, options.wantsPredictions) = (given.reduction, true)
        let targets: RowTargets =
            given.isSoft ? .masses(try tensor(soft, [rows, classes])) : .labels(try Tensor(labels, on: device), ignored: -1)
        func row(_ i: Int) -> [Double] { Array(x[i * classes..<(i + 1) * classes]) }
        func target(_ i: Int) -> CrossEntropyOracle.Target {
            given.isSoft ? .masses(Array(soft[i * classes..<(i + 1) * classes])) : .label(Int(labels[i]))
        }
        let rowLosses = (0..<rows).map { oracle.loss(row($0), target($0)) * (given.scaled ? scales[$0] : 1) }
        let divisor =
            given.reduction != .mean
            ? 1 : (0..<rows).reduce(0.0) { $0 + (given.weighted && !given.isSoft ? weights[Int(labels[$1])] : 1) }
        let expected = given.reduction == .none ? rowLosses : [rowLosses.reduce(0, +) / divisor]
        let step = given.type == .bfloat16 ? 0x1p-8 : given.type == .float16 ? 0x1p-11 : 0
        let masses = (0..<rows).map { oracle.masses(target($0), classes: classes).reduce(0, +) }
        let size = masses.map { 12 * $0 / given.temperature + 1 }
        let valueScale = given.reduction == .none ? size : [size.reduce(0, +) / divisor]

        let result = try rowCrossEntropy(logits: logits, targets: targets, options: options)
        #expect(result.loss.dtype == given.type)
        expectClose(
            try result.loss.array(of: Double.self), expected, tolerance: 1e-6 + step, scale: valueScale, "loss")
        try expectClose(result.logPartition, (0..<rows).map { logSumExp(oracle.shaped(row($0))) }, tolerance: 1e-6, "partition")
        let predictions = (0..<rows).map { i in row(i).firstIndex(of: row(i).max() ?? 0) ?? -1 }
        #expect(try result.predictions?.array(of: Int.self) == predictions)
        if !given.isSoft {
            let right = zip(predictions, labels).filter { $0 == Int($1) }.count
            #expect(try abs((result.accuracy?.scalar() ?? -1) - Double(right) / Double(rows)) < 1e-6)
        }

        let cotangents = random.values(given.reduction == .none ? rows : 1, in: 0.5...1.5).map { Double(Float($0)) }
        let own = random.values(rows, in: -1...1).map { Double(Float($0)) }
        let slopes = try gradient(at: logits) { point in
            let result = try rowCrossEntropy(logits: point, targets: targets, options: options)
            let factor = try tensor(cotangents, given.reduction == .none ? [rows] : [])
            let first = try (result.loss.asType(.float32) * factor).sum()
            return try first + (result.logPartition * tensor(own, [rows])).sum()
        }
        #expect(slopes.dtype == given.type)
        let derivative = (0..<rows).flatMap { i -> [Double] in
            let c: Double = cotangents[given.reduction == .none ? i : 0] * (given.scaled ? scales[i] : 1) / divisor
            let (a, b) = (oracle.gradient(row(i), target(i)), oracle.partitionGradient(row(i)))
            return a.indices.map { (k: Int) -> Double in c * a[k] + own[i] * b[k] }
        }
        let scale: [Double] = derivative.indices.map { abs(derivative[$0]) + masses[$0 / classes] + 1 }
        expectClose(try slopes.array(of: Double.self), derivative, tolerance: 1e-6 + step, scale: scale, "gradient")
    }

    /// The kernel's derivative, and the one in tensor operations that takes its place while it is differentiated itself.
    @Test(arguments: Device.all, [[4, 6], [2, 6, 2]])
    func bothDerivativesAgreeAndTheSecondExists(device: Device, shape: [Int]) throws {
        var random = SplitMix64(seed: 5)
        let (rows, classes) = (4, 6)
        let point = try Tensor(random.values(rows * classes, in: -2...2).map { Float($0) }, shape: shape, on: device)
        let labels = try Tensor([1, 0, 5, 3] as [Int32], on: device)
        var options = CrossEntropyOptions()
        options.weights = try Tensor(random.values(classes, in: 0.5...2).map { Float($0) }, on: device)
        options.rowScales = try Tensor(random.values(rows, in: 0.5...2).map { Float($0) }, on: device)
        (options.smoothing, options.zLoss, options.softCap, options.temperature, options.reduction) = (0.2, 0.05, 3, 0.8, .mean)
        let along = try Tensor(random.values(rows * classes).map { Float($0) }, shape: shape, on: device)
        func slope(_ x: Tensor) throws -> Tensor {
            try gradient(at: x) { x in
                let result = try rowCrossEntropy(logits: x, targets: .labels(labels, ignored: 0), options: options)
                return try result.loss + 0.1 * result.logPartition.square().sum()
            }
        }
        var inner: Tensor?
        let product = try gradient(at: point) { x in
            let slope = try slope(x)
            inner = slope
            return try (slope * along).sum()
        }
        try expectClose(slope(point), (inner ?? point).array(of: Double.self), tolerance: 1e-6, "first")
        let step = 1e-2
        let (above, below) = (try slope(point + along * step), try slope(point - along * step))
        let difference = (above - below) / (2 * step)
        try expectClose(product, difference.array(of: Double.self), tolerance: 1e-4, "second")
    }
}
