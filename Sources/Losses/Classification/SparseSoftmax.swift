import LossKitOps

/// The alpha-entmax of each row: a distribution that is exactly 0 for classes far enough behind.
///
/// `max(0, (alpha - 1) z - tau)^(1 / (alpha - 1))` with the tau that makes it sum to 1; alpha 1 is the softmax, 1.5 entmax-1.5, 2
/// sparsemax.
/// Jacobian `diag(s) - s s^T / sum s` with `s = p^(2 - alpha)` on the support.
///
/// - Parameters:
///   - logits: Any shape, floating point.
///   - alpha: In 1...2.
///   - axis: The axis of the classes.
/// - Throws: alpha out of range; a bad axis.
/// - Note: tau by Newton's method from below, which for these alphas never overshoots; each step waits for the device. The last two steps
///   are
///   differentiated, which makes first and second derivatives exact. Peters, Niculae and Martins, Sparse Sequence-to-Sequence Models, 2019.
public func entmax(_ logits: Tensor, alpha: Double = 1.5, axis: Int = -1) throws -> Tensor {
    try requireFloatingPoint(logits, "entmax")
    try require((1...2).contains(alpha), "entmax", "alpha in 1...2", alpha)
    guard alpha > 1 else { return try logits.softmax(axis: axis) }
    let axes = [axis]
    guard logits.count > 0 else { return logits }
    // 16-bit storage between the steps would not converge.
    let wide = logits.inArithmetic()
    let peak = try stopGradient(wide).max(axes: axes, keepDimensions: true)
    let z = (wide - peak) * (alpha - 1)
    let power = 1 / (alpha - 1)
    func mass(_ z: Tensor, _ tau: Tensor) throws -> Tensor { try positivePower(z - tau, power) }
    func step(_ z: Tensor, _ tau: Tensor) throws -> Tensor {
        let excess = try mass(z, tau).sum(axes: axes, keepDimensions: true) - 1
        let slope = try positivePower(z - tau, power - 1).sum(axes: axes, keepDimensions: true) * power
        return tau + excess / slope
    }
    let still = stopGradient(z)
    var tau = peak * 0 - 1
    for _ in 0..<64 {
        let next = try step(still, tau).evaluated()
        let moved = try (next - tau).max().scalar()
        tau = next
        guard moved > 1e-7 else { break }
    }
    tau = try step(z, step(z, tau))
    return try mass(z, tau).asType(logits.dtype)
}

/// x^k where x > 0, else 0; k = 0 gives 1 or 0. No derivative is infinite.
private func positivePower(_ x: Tensor, _ k: Double) throws -> Tensor {
    let isPositive = x .> 0
    if k == 0 { return isPositive.asType(x.dtype) }
    if k == 1 { return x.relu() }
    if k == 2 { return x.relu().square() }
    let power = Tensor.select(isPositive, x, try x.constant(1)).power(k)
    return Tensor.select(isPositive, power, try x.constant(0))
}

/// The sparsemax of each row: its Euclidean projection onto the simplex; see ``entmax(_:alpha:axis:)``.
///
/// - Note: Martins and Astudillo, From Softmax to Sparsemax, 2016.
public func sparsemax(_ logits: Tensor, axis: Int = -1) throws -> Tensor { try entmax(logits, alpha: 2, axis: axis) }

/// Fenchel-Young loss of the alpha-entmax.
///
/// `<p - q, z> + H(p) - H(q)` with p the alpha-entmax of z, q the target and Tsallis' entropy
/// `H(p) = (1 - sum_k p_k^alpha) / (alpha (alpha - 1))`,
/// at alpha 1 Shannon's: cross-entropy. Gradient `p - q`. It is 0 exactly where p = q: for classes, once the own logit leads by
/// `1 / (alpha - 1)`.
///
/// - Parameters:
///   - logits: [N, C].
///   - targets: [N], integers; or [N, C], floating point, rows that sum to 1, to which no derivative is carried.
///   - alpha: In 1...2.
///   - ignoreIndex: Rows with this class index count for nothing.
///   - reduction: Over rows; the mean divides by the number of rows that count.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; alpha out of
///   range.
/// - Note: Blondel, Martins and Niculae, Learning with Fenchel-Young Losses, 2020.
public func entmaxLoss(
    logits: Tensor, targets: Tensor, alpha: Double = 1.5, ignoreIndex: Int = -100, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "entmaxLoss"
    try requireShape(logits, [nil, nil], "logits", operation)
    try require((1...2).contains(alpha), operation, "alpha in 1...2", alpha)
    if alpha == 1 { return try crossEntropy(logits: logits, targets: targets, ignoreIndex: ignoreIndex, reduction: reduction) }
    guard logits.count > 0 else { return try reduction(logits.sum(axes: [1])) }
    // A shift changes nothing, as both distributions sum to 1, and keeps large logits exact.
    let z = try logits - stopGradient(logits).max(axes: [1], keepDimensions: true)
    let p = try entmax(z, alpha: alpha)
    let scale = 1 / (alpha * (alpha - 1))
    func powers(_ p: Tensor) throws -> Tensor { alpha == 2 ? p.square() : try positivePower(p, alpha) }
    if try targets.checked().dtype.isFloatingPoint {
        try requireEqualShapes(logits, targets, operation)
        let q = stopGradient(targets)
        let entropies = try (powers(q) - powers(p)) * scale
        let held = Tensor.select((p .> 0) .|| (q .> 0), z, try z.constant(0))
        return try reduction(((p - q) * held + entropies).sum(axes: [1]))
    }
    let rows = try ClassTargets(targets, beside: z, ignoring: ignoreIndex, operation)
    let entropy = try (1 - powers(p).sum(axes: [1])) * scale
    // Classes without probability may have logits of minus infinity.
    let held = Tensor.select(p .> 0, z, try z.constant(0))
    let elements = try (p * held).sum(axes: [1]) - rows.pick(z) + entropy
    return try reduction(elements * rows.counts, counts: rows.counts)
}

/// Sparsemax loss; see ``entmaxLoss(logits:targets:alpha:ignoreIndex:reduction:)``.
///
/// `-z_y + 1/2 sum_{k in S} (z_k^2 - tau^2) + 1/2`, S the support; gradient `sparsemax(z) - onehot(y)`. Of two classes it is the modified
/// Huber loss of their difference.
///
/// - Note: Martins and Astudillo, From Softmax to Sparsemax: A Sparse Model of Attention and Multi-Label Classification, 2016.
public func sparsemaxLoss(logits: Tensor, targets: Tensor, ignoreIndex: Int = -100, reduction: Reduction = .mean) throws -> Tensor {
    try entmaxLoss(logits: logits, targets: targets, alpha: 2, ignoreIndex: ignoreIndex, reduction: reduction)
}

/// Entmax-1.5 loss; see ``entmaxLoss(logits:targets:alpha:ignoreIndex:reduction:)``.
///
/// - Note: Peters, Niculae and Martins, Sparse Sequence-to-Sequence Models, 2019.
public func entmax15Loss(logits: Tensor, targets: Tensor, ignoreIndex: Int = -100, reduction: Reduction = .mean) throws -> Tensor {
    try entmaxLoss(logits: logits, targets: targets, alpha: 1.5, ignoreIndex: ignoreIndex, reduction: reduction)
}

extension LossDescription {
    private static let classified: [Input] = [.init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes"))]

    static let entmaxLossLoss = LossDescription(
        "entmaxLoss", .classification, "Fenchel-Young loss of the alpha-entmax",
        reference: "Blondel, Martins and Niculae, Learning with Fenchel-Young Losses, 2020", inputs: classified,
        options: [.number("alpha", 1.5), .integer("ignoreIndex", -100), .reduction]
    ) {
        try entmaxLoss(
            logits: $0["logits"], targets: $0["targets"], alpha: $0.number("alpha"), ignoreIndex: $0.integer("ignoreIndex"),
            reduction: $0.reduction())
    }

    static let entmax15LossLoss = LossDescription(
        "entmax15Loss", .classification, "Fenchel-Young loss of entmax-1.5",
        reference: "Peters, Niculae and Martins, Sparse Sequence-to-Sequence Models, 2019", inputs: classified,
        options: [.integer("ignoreIndex", -100), .reduction]
    ) {
        try entmax15Loss(
            logits: $0["logits"], targets: $0["targets"], ignoreIndex: $0.integer("ignoreIndex"), reduction: $0.reduction())
    }

    static let sparsemaxLossLoss = LossDescription(
        "sparsemaxLoss", .classification, "Fenchel-Young loss of the projection onto the simplex",
        reference: "Martins and Astudillo, From Softmax to Sparsemax: A Sparse Model of Attention and Multi-Label Classification, 2016",
        inputs: classified, options: [.integer("ignoreIndex", -100), .reduction],
        catalogue: ["from-softmax-to-sparsemax-a-sparse-model-of-attention"]
    ) {
        try sparsemaxLoss(
            logits: $0["logits"], targets: $0["targets"], ignoreIndex: $0.integer("ignoreIndex"), reduction: $0.reduction())
    }
}
