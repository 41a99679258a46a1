import LossKitKernels

/// What each row of logits should be.
package enum RowTargets: Sendable {
    /// One class index a row (any integer type), or `ignored`.
    case labels(Tensor, ignored: Int)
    /// A mass for each class.
    case masses(Tensor)
}

/// Cross-entropy of each row, and the row's weight: that of its label, 0 where it is ignored.
package struct RowCrossEntropy: Sendable {
    package let loss: Tensor
    package let weight: Tensor
}

/// Softmax cross-entropy by rows, fused: the logits are read once forward and once backward, and nothing of their size is kept between.
///
/// - Parameters:
///   - logits: [rows, classes]; computed in float32.
///   - weights: One for each class.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row of a label that is neither a class nor ignored.
///   On an OpenCL device the check reads the labels back, and class weights their sum: each waits for the device.
package func rowCrossEntropy(
    logits: Tensor, targets: RowTargets, weights: Tensor? = nil, smoothing: Double = 0, zLoss: Double = 0
) throws -> RowCrossEntropy {
    let operation = "crossEntropy"
    guard try logits.checked().rank == 2, logits.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(operation: operation, expected: "floating-point logits [rows, classes]", actual: [logits.shape])
    }
    let (rows, classes) = (logits.shape[0], logits.shape[1])
    if let weights, weights.shape != [classes] {
        throw TensorError.shapeMismatch(operation: operation, expected: "weights [\(classes)]", actual: [weights.shape])
    }
    guard (0...1).contains(smoothing) else {
        throw TensorError.invalidArgument(operation: operation, expected: "label smoothing in 0...1", actual: "\(smoothing)")
    }
    let single = logits.asType(.float32)
    let kernel = try Inputs(logits: single, targets: targets, weights: weights.map(stopGradient), smoothing: smoothing, zLoss: zLoss)
    let (loss, partition, rowWeight) = (
        try Tensor.empty([rows], dtype: .float32, on: logits.device), try Tensor.empty([rows], dtype: .float32, on: logits.device),
        try Tensor.empty([rows], dtype: .float32, on: logits.device)
    )
    let call = try kernel.call(on: single)
    try call.forward(loss: loss.output(), logPartition: partition.output(), rowWeight: rowWeight.output(), on: logits.device)
    let differentiable = Tensor.record("crossEntropy", inputs: [single], output: loss) { pullback in
        [try kernel.gradient(at: single, logPartition: partition, cotangent: pullback.cotangent)]
    }
    return RowCrossEntropy(loss: differentiable.asType(logits.dtype), weight: rowWeight.asType(logits.dtype))
}

/// The checked operands of one cross-entropy.
private struct Inputs: Sendable {
    let labels: Tensor?
    let masses: Tensor?
    let weights: Tensor?
    let ignored: Int
    let smoothing: Double
    let zLoss: Double

    init(logits: Tensor, targets: RowTargets, weights: Tensor?, smoothing: Double, zLoss: Double) throws {
        let operation = "crossEntropy"
        let (rows, classes) = (logits.shape[0], logits.shape[1])
        self.weights = try weights.map { try $0.asType(.float32).packed().evaluated() }
        self.smoothing = smoothing
        self.zLoss = zLoss
        switch targets {
        case .labels(let given, let ignored):
            guard try !given.checked().dtype.isFloatingPoint, given.shape == [rows] else {
                throw given.dtype.isFloatingPoint
                    ? TensorError.dtypeMismatch(operation: operation, expected: "integer class indices [rows]", actual: [given.dtype])
                    : TensorError.shapeMismatch(operation: operation, expected: "targets [\(rows)]", actual: [given.shape])
            }
            let labels = try given.asType(.int64).packed().evaluated()
            for (row, label) in try labels.array(of: Int.self).enumerated() where label != ignored && !(0..<classes).contains(label) {
                throw TensorError.indexOutOfRange(operation: operation + " targets", position: row, index: label, bound: classes)
            }
            (self.labels, self.ignored, masses) = (labels, ignored, nil)
        case .masses(let given):
            guard try given.checked().shape == logits.shape, given.dtype.isFloatingPoint else {
                throw TensorError.shapeMismatch(operation: operation, expected: "target masses \(logits.shape)", actual: [given.shape])
            }
            (labels, ignored, masses) = (nil, -1, try stopGradient(given).asType(.float32).packed().evaluated())
        }
    }

    func call(on logits: Tensor) throws -> SoftmaxCrossEntropy {
        SoftmaxCrossEntropy(
            rows: logits.shape[0], classes: logits.shape[1], logits: try logits.slice(), labels: try labels?.slice(),
            targets: try masses?.slice(), weights: try weights?.slice(), ignored: ignored, smoothing: Float(smoothing), zLoss: Float(zLoss),
            weightSum: Float(try weights?.sum().scalar() ?? Double(logits.shape[1])))
    }

    /// The logits' gradient: by the fused kernel, or in tensor operations while it is itself being differentiated.
    func gradient(at logits: Tensor, logPartition: Tensor, cotangent: Tensor) throws -> Tensor {
        if Tensor.records([logits, cotangent]) { return try differentiableGradient(at: logits, cotangent: cotangent) }
        let gradient = try Tensor.empty(logits.shape, dtype: .float32, on: logits.device)
        try call(on: logits).backward(
            logPartition: logPartition.slice(), cotangent: cotangent.slice(), gradient: gradient.output(), on: logits.device)
        return gradient
    }

    private func differentiableGradient(at logits: Tensor, cotangent: Tensor) throws -> Tensor {
        let partition = try logits.logSumExp(axes: [1], keepDimensions: true)
        let (target, isValid) = try targetMasses(logits)
        let mass = try target.sum(axes: [1], keepDimensions: true) + partition * (2 * zLoss)
        let row = try cotangent.expandedDimensions(at: 1)
        return row * (mass * (logits - partition).exp() - target) * isValid
    }

    /// q of every row, and 1 or 0 for rows that count.
    private func targetMasses(_ logits: Tensor) throws -> (Tensor, Tensor) {
        let classes = logits.shape[1]
        let share = classes > 0 ? smoothing / Double(classes) : 0
        let weight = try weights ?? .ones([classes], on: logits.device)
        if let masses { return (weight * (masses * (1 - smoothing) + share), try .ones([], on: logits.device)) }
        guard let labels else { return (logits, logits) }
        let column = try labels.expandedDimensions(at: 1)
        let hot = try (column .== Tensor.arange(to: Double(classes), on: logits.device)).asType(.float32)
        return (hot * weight * (1 - smoothing) + weight * share, (column .!= Double(ignored)).asType(.float32))
    }
}
