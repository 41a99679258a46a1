import LossKitDevice
import LossKitKernels

/// What each row of logits should be.
package enum RowTargets: Sendable {
    /// One class index a row (any integer type), or `ignored`.
    case labels(Tensor, ignored: Int)
    /// A mass for each class.
    case masses(Tensor)
    /// Nothing: only log-partitions and predictions are wanted.
    case none

    /// Masses would lie apart too.
    fileprivate var allowsRowsApart: Bool {
        if case .labels = self { true } else { false }
    }
}

/// Cross-entropy of rows, and what else their logits told while they were read.
package struct RowCrossEntropy: Sendable {
    /// [rows] in the logits' type, or one number where it is reduced.
    package let loss: Tensor
    /// log sum exp of each row's (capped, divided) logits, float32 [rows]; it can be differentiated. 0 for ignored rows that are not read.
    package let logPartition: Tensor
    /// The first of each row's largest logits, int32 [rows]; -1 where a logit is NaN.
    package let predictions: Tensor?
    /// The share of the rows that count where the prediction is the label.
    package let accuracy: Tensor?
}

/// Softmax cross-entropy by rows, fused: one launch forward, with the reduction, and one back. The logits are read once each way, in their own
/// type, and nothing of their size is kept between.
///
/// - Parameter logits: [rows, classes], or [outer, classes, inner], whose rows are packed first where the device does not take them as they lie;
///   computed in float32.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row of a label that is neither a class nor ignored: on
///   the CPU at once, on an OpenCL device from whatever reads a value that depends on it.
package func rowCrossEntropy(
    logits: Tensor, targets: RowTargets, options: CrossEntropyOptions = CrossEntropyOptions()
) throws -> RowCrossEntropy {
    var single = try logits.checked().dtype == .float64 ? logits.asType(.float32) : logits
    let (rows, device) = (single.rank == 3 ? single.shape[0] * single.shape[2] : single.shape.first ?? 0, single.device)
    if single.rank == 3, !targets.allowsRowsApart || !SoftmaxCrossEntropy.takesRowsApart(classes: single.shape[1], on: device) {
        single = try single.transposed([0, 2, 1]).reshaped([rows, single.shape[1]])
    }
    let inputs = try CrossEntropyInputs(logits: single, targets: targets, options: options)
    guard rows > 0 else { return try inputs.ofNothing(dtype: logits.dtype) }
    let results = CrossEntropyResults(
        loss: try .empty([rows], dtype: .float32, on: device), logPartition: try .empty([rows], dtype: .float32, on: device),
        mass: try .empty([rows], dtype: .float32, on: device), totals: try .empty([4], dtype: .float32, on: device),
        predictions: options.wantsPredictions ? try .empty([rows], dtype: .int32, on: device) : nil)
    try inputs.kernel().forward(into: results.slices(), on: device) { [classes = inputs.classes] row, label in
        TensorError.indexOutOfRange(operation: "crossEntropy targets", position: row, index: label, bound: classes)
    }
    let loss = options.reduction == .none ? results.loss : results.totals.element(0)
    let outputs = Tensor.record("crossEntropy", inputs: [single], outputs: [loss, results.logPartition]) { [single] pullback in
        [try inputs.gradient(at: single, results, cotangent: pullback.cotangents[0], logPartition: pullback.cotangents[1])]
    }
    return RowCrossEntropy(
        loss: outputs[0].asType(logits.dtype), logPartition: outputs[1], predictions: results.predictions,
        accuracy: options.wantsPredictions && inputs.labels != nil ? results.totals.element(2) : nil)
}

/// What the forward pass leaves for the backward pass: a few numbers a row.
struct CrossEntropyResults: Sendable {
    let loss: Tensor
    let logPartition: Tensor
    let mass: Tensor
    let totals: Tensor
    let predictions: Tensor?

    func slices() throws -> SoftmaxCrossEntropy.Results {
        SoftmaxCrossEntropy.Results(
            loss: try loss.output(), logPartition: try logPartition.output(), mass: try mass.output(), totals: try totals.output(),
            predictions: try predictions?.output())
    }
}

extension Tensor {
    /// One number of a list, as a view.
    func element(_ index: Int) -> Tensor {
        Tensor(shape: [], dtype: dtype, device: device, strides: [], offset: index, storage: storage)
    }

    /// The number that every element is, where that is known without memory.
    fileprivate var constantValue: Double? {
        if case .pending(let expression) = storage.current { expression.constantValue } else { nil }
    }

    /// A cotangent of each row, or of all together; zero where there is none.
    static func rowCotangent(_ cotangent: Tensor?) throws -> SoftmaxCrossEntropy.Cotangent {
        guard let cotangent = try cotangent?.checked() else { return .init(factor: 0) }
        if let value = cotangent.constantValue { return .init(factor: Float(value)) }
        let single = cotangent.asType(.float32)
        return .init(factor: 1, values: try single.memory(), stride: single.strides.first ?? 0)
    }
}
