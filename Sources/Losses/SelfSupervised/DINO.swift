import LossKitOps

/// DINO: a student matches its teacher's sharpened, centred distribution.
///
/// `-sum_k q_k log p_k` with `p = softmax(logits / temperature)` and `q = softmax((teacherLogits - center) / teacherTemperature)`, held
/// still; gradient `(p - q) / temperature`. Of several crops, take the mean over all pairs of different views.
///
/// - Parameters:
///   - logits: [n, k], the student's, floating point.
///   - teacherLogits: [n, k].
///   - center: [k], the running mean of the teacher's logits by ``dinoCenter(teacherLogits:previous:momentum:)``; zeros where it is nil.
///   - temperature: Above 0.
///   - teacherTemperature: Above 0; the authors warm it up from 0.04 to 0.07.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Caron et al., Emerging Properties in Self-Supervised Vision Transformers, 2021.
public func dino(
    logits: Tensor, teacherLogits: Tensor, center: Tensor? = nil, temperature: Double = 0.1, teacherTemperature: Double = 0.04,
    reduction: Reduction = .mean
) throws -> Tensor {
    try requireViews(logits, teacherLogits, rows: 0, "dino")
    try require(temperature > 0, "dino", "temperature > 0", temperature)
    try require(teacherTemperature > 0, "dino", "teacherTemperature > 0", teacherTemperature)
    var teacher = stopGradient(teacherLogits).inArithmetic()
    if let center {
        try requireShape(center, [logits.shape[1]], "center", "dino")
        teacher = teacher - stopGradient(center)
    }
    let target = try (teacher / teacherTemperature).softmax()
    let terms = try (logits.inArithmetic() / temperature).logSoftmax() * target
    return try reduction(-terms.sum(axes: [1])).asType(logits.dtype)
}

/// The center [k] of ``dino(logits:teacherLogits:center:temperature:teacherTemperature:reduction:)`` one step on.
///
/// `momentum previous + (1 - momentum) mean_i teacherLogits_i`; no derivative is carried through it.
///
/// - Parameters:
///   - teacherLogits: [n, k], of all of the teacher's views, n >= 1.
///   - previous: [k], zeros at first.
///   - momentum: In 0...1.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
public func dinoCenter(teacherLogits: Tensor, previous: Tensor, momentum: Double = 0.9) throws -> Tensor {
    try requireShape(teacherLogits, [nil, nil], "teacherLogits", "dinoCenter")
    try requireFloatingPoint(teacherLogits, "dinoCenter")
    try requireShape(previous, [teacherLogits.shape[1]], "previous", "dinoCenter")
    try require((0...1).contains(momentum), "dinoCenter", "momentum in 0...1", momentum)
    try require(teacherLogits.shape[0] > 0, "dinoCenter", "at least one row", 0)
    return try stopGradient(previous) * momentum + stopGradient(teacherLogits).mean(axes: [0]) * (1 - momentum)
}

extension LossDescription {
    static let dinoLoss = LossDescription(
        "dino", .selfSupervised, "A student matches its teacher's sharpened, centred distribution",
        reference: "Caron et al., Emerging Properties in Self-Supervised Vision Transformers, 2021",
        inputs: [
            .init("logits", ["n", "classes"]), .init("teacherLogits", ["n", "classes"], isDifferentiable: false),
            .init("center", ["classes"], isOptional: true, isDifferentiable: false),
        ],
        options: [.number("temperature", 0.1), .number("teacherTemperature", 0.04), .reduction]
    ) {
        try dino(
            logits: $0["logits"], teacherLogits: $0["teacherLogits"], center: $0.optional("center"),
            temperature: $0.number("temperature"), teacherTemperature: $0.number("teacherTemperature"), reduction: $0.reduction())
    }
}
