import LossKitDevice
import LossKitKernels

/// Cross-entropy of the rows of hidden weight^T + bias, which are never held together (but where the gradient is differentiated itself).
///
/// Logits come and go by stretches of classes, and come again in the backward pass; a sum or mean that is being differentiated computes its
/// gradients along with itself, by blocks of rows, where the device's memory is the host's. Beyond the operands, their gradients and a few
/// numbers a row that takes a few percent of the logits' memory.
///
/// - Parameters:
///   - hidden: [rows, features].
///   - weight: [classes, features].
///   - bias: [classes].
///   - labels: [rows], integers; the labels are read back, so that ignored rows are left out of every product.
///   - options: Without predictions.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row of a label that is neither a class nor ignored.
package func linearCrossEntropy(
    hidden: Tensor, weight: Tensor, bias: Tensor? = nil, labels: Tensor, ignored: Int, options: CrossEntropyOptions = CrossEntropyOptions(),
    filter: GradientFilter? = nil
) throws -> Tensor {
    let operation = "linearCrossEntropy"
    try filter?.check(operation)
    guard try hidden.checked().rank == 2, try weight.checked().rank == 2, hidden.shape[1] == weight.shape[1],
        try bias?.checked().shape ?? [weight.shape[0]] == [weight.shape[0]]
    else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "hidden [n, d], weight [classes, d] and bias [classes]",
            actual: [hidden.shape, weight.shape] + (bias.map { [$0.shape] } ?? []))
    }
    guard try !labels.checked().dtype.isFloatingPoint, labels.shape == [hidden.shape[0]] else {
        throw TensorError.shapeMismatch(operation: operation, expected: "integer labels [\(hidden.shape[0])]", actual: [labels.shape])
    }
    let (rows, classes) = (hidden.shape[0], weight.shape[0])
    try options.check(operation, rows: rows, classes: classes)
    let list = try labels.array(of: Int.self)
    for (row, label) in list.enumerated() where label != ignored && !(0..<classes).contains(label) {
        throw TensorError.indexOutOfRange(operation: operation + " labels", position: row, index: label, bound: classes)
    }
    let valid = list.indices.filter { list[$0] != ignored }
    let places = valid.count == rows ? nil : try Tensor(valid.map { Int64($0) }, on: hidden.device)
    let kept = try Tensor(valid.map { Int64(list[$0]) }, on: hidden.device)
    var options = options
    if let places { options.rowScales = try options.rowScales?.gatheredRows(places) }
    let core = try LinearCrossEntropy(
        hidden: places.map { try hidden.gatheredRows($0) } ?? hidden, weight: weight, bias: bias, labels: kept, options: options,
        filter: filter)
    switch options.reduction {
    case .none:
        let losses = try core.losses()
        return try places.map { try losses.rowsSummed(at: $0, bound: rows) } ?? losses
    case .sum: return try core.sum(dividedBy: 1)
    case .mean:
        guard let weights = options.weights else { return try core.sum(dividedBy: Double(valid.count)) }
        return try core.sum(dividedBy: stopGradient(weights).gatheredRows(kept).sum().scalar())
    }
}
