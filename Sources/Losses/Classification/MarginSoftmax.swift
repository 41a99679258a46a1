import LossKitOps

/// Directions of embeddings and classes, and what follows from them.
struct ClassAngles {
    /// [N, C]; a vector of length 0 has cosine 0 with all.
    let cosines: Tensor
    /// The rows' own classes.
    let rows: ClassTargets
    /// Of the type that the loss is given back in: lengths and cosines are taken in at least float32, since margins tell small angles apart.
    let sample: Tensor
    private let units: Tensor
    private let directions: Tensor
    private let targets: Tensor

    init(_ embeddings: Tensor, _ weights: Tensor, _ targets: Tensor, _ operation: String) throws {
        try requireShape(embeddings, [nil, nil], "embeddings", operation)
        try requireShape(weights, [nil, embeddings.shape[1]], "class weights", operation)
        try requireFloatingPoint(embeddings, operation)
        try requireFloatingPoint(weights, operation)
        sample = try Tensor.commonSample(embeddings, weights)
        (units, directions) = (try embeddings.inArithmetic().unitRows(), try weights.inArithmetic().unitRows())
        cosines = try units.matmul(directions.transposed())
        rows = try ClassTargets(targets, beside: cosines, operation)
        self.targets = targets
    }

    /// The sines of the angles to the own class [N], by the lengths of sum and difference, which lose no digits at small angles.
    func ownSines() throws -> Tensor {
        let own = try directions.rows(at: targets)
        return try (units - own).norm(axes: [1]) * (units + own).norm(axes: [1]) * 0.5
    }

    /// The cosines of the angles to the own class turned by a margin, and falling on beyond pi.
    func turned(by margin: Double) throws -> Tensor {
        let cosine = try rows.pick(cosines)
        let angle = try cosine.constant(margin)
        let turned = try cosine * angle.cos() - ownSines() * angle.sin()
        return Tensor.select(cosine .> -angle.cos(), turned, cosine - angle.sin() * margin)
    }

    /// 1 - cos of all angles [N, C], exact for small ones.
    func gaps() throws -> Tensor { try units.gaps(to: directions) }

    /// The cosines once those of the own classes are replaced.
    func logits(own: Tensor) throws -> Tensor { try Tensor.select(rows.isTarget, rows.column(own), cosines) }

    /// Softmax cross-entropy once the own class's cosine is replaced.
    func crossEntropy(own: Tensor, scale: Tensor, targets: Tensor, reduction: Reduction) throws -> Tensor {
        try LossKitLosses.crossEntropy(logits: logits(own: own) * scale, targets: targets, reduction: reduction).asType(sample.dtype)
    }
}

/// ArcFace: softmax cross-entropy of scaled cosines, an angle added to the own class's.
///
/// `s cos(theta_y + margin)` for the own class, `s cos theta_k` for the others; beyond `theta = pi - margin`, where the cosine would rise
/// again,
/// `s (cos theta_y - margin sin margin)`.
///
/// - Parameters:
///   - embeddings: [N, D].
///   - weights: [C, D], a direction for each class; lengths do not matter.
///   - targets: [N], integers.
///   - scale: s, above 0.
///   - margin: In radians, in 0 ..< pi.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; options out of
///   range.
/// - Note: By the addition theorem, so that no angle is formed and derivatives stay finite at 0. Deng et al., ArcFace, 2019.
public func arcFace(
    embeddings: Tensor, weights: Tensor, targets: Tensor, scale: Double = 64, margin: Double = 0.5, reduction: Reduction = .mean
) throws -> Tensor {
    try require((0..<Double.pi).contains(margin), "arcFace", "margin in 0 ..< pi", margin)
    try require(scale > 0, "arcFace", "scale > 0", scale)
    let angles = try ClassAngles(embeddings, weights, targets, "arcFace")
    let own = try angles.turned(by: margin)
    return try angles.crossEntropy(own: own, scale: own.constant(scale), targets: targets, reduction: reduction)
}

/// CosFace: softmax cross-entropy of scaled cosines, a margin taken from the own class's.
///
/// `s (cos theta_y - margin)` for the own class, `s cos theta_k` for the others.
///
/// - Parameters:
///   - embeddings: [N, D].
///   - weights: [C, D], a direction for each class; lengths do not matter.
///   - targets: [N], integers.
///   - scale: s, above 0.
///   - margin: Not negative.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; options out of
///   range.
/// - Note: Wang et al., CosFace, 2018. ``amSoftmax(embeddings:weights:targets:scale:margin:reduction:)`` is the same with a scale of 30.
public func cosFace(
    embeddings: Tensor, weights: Tensor, targets: Tensor, scale: Double = 64, margin: Double = 0.35, reduction: Reduction = .mean
) throws -> Tensor {
    try additiveMargin(embeddings, weights, targets, scale: scale, margin: margin, reduction: reduction, "cosFace")
}

/// Additive margin softmax: ``cosFace(embeddings:weights:targets:scale:margin:reduction:)`` as its second authors scale it.
///
/// - Parameters:
///   - embeddings: [N, D].
///   - weights: [C, D], a direction for each class; lengths do not matter.
///   - targets: [N], integers.
///   - scale: Above 0.
///   - margin: Not negative.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; options out of
///   range.
/// - Note: Wang et al., Additive Margin Softmax for Face Verification, 2018.
public func amSoftmax(
    embeddings: Tensor, weights: Tensor, targets: Tensor, scale: Double = 30, margin: Double = 0.35, reduction: Reduction = .mean
) throws -> Tensor {
    try additiveMargin(embeddings, weights, targets, scale: scale, margin: margin, reduction: reduction, "amSoftmax")
}

/// A margin taken from the own class's cosine.
private func additiveMargin(
    _ embeddings: Tensor, _ weights: Tensor, _ targets: Tensor, scale: Double, margin: Double, reduction: Reduction, _ operation: String
) throws -> Tensor {
    try require(margin >= 0, operation, "margin >= 0", margin)
    try require(scale > 0, operation, "scale > 0", scale)
    let angles = try ClassAngles(embeddings, weights, targets, operation)
    let own = try angles.rows.pick(angles.cosines) - margin
    return try angles.crossEntropy(own: own, scale: own.constant(scale), targets: targets, reduction: reduction)
}

/// SphereFace (A-Softmax): softmax cross-entropy of the embeddings' lengths times cosines, the own class's angle multiplied.
///
/// `|x| psi(theta_y)` for the own class, `|x| cos theta_k` for the others, `psi(theta) = (-1)^k cos(m theta) - 2 k` for theta in
/// `[k pi / m, (k + 1) pi / m]`.
/// With annealing, `(annealing cos theta + psi) / (1 + annealing)` stands for psi.
///
/// - Parameters:
///   - embeddings: [N, D].
///   - weights: [C, D], a direction for each class; lengths do not matter.
///   - targets: [N], integers.
///   - margin: m, a whole number from 1.
///   - annealing: Not negative; the authors lower it from 1000 to 5 during training.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; options out of
///   range.
/// - Note: cos(m theta) by Chebyshev's recursion, so that derivatives stay finite. Liu et al., SphereFace, 2017.
public func sphereFace(
    embeddings: Tensor, weights: Tensor, targets: Tensor, margin: Int = 4, annealing: Double = 0, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "sphereFace"
    try require(margin >= 1, operation, "margin >= 1", margin)
    try require(annealing >= 0, operation, "annealing >= 0", annealing)
    let angles = try ClassAngles(embeddings, weights, targets, operation)
    // All in what cosines lack to 1: long embeddings would magnify the rounding of cosines near it, and logits may lack the same.
    let gaps = try angles.gaps()
    let gap = try angles.rows.pick(gaps)
    var (before, multiple) = (gap * 0, gap)
    for _ in 1..<margin { (before, multiple) = (multiple, (multiple + gap - gap * multiple) * 2 - before) }
    // The piece that the angle lies in: its number, and the sign that goes with it.
    let angle = (stopGradient(gap) * 0.5).clamped(min: 0, max: 1).squareRoot().asin() * 2
    let piece = (angle * (Double(margin) / Double.pi)).floor().clamped(max: Double(margin - 1))
    let isOdd = (piece - (piece * 0.5).floor() * 2) .> 0.5
    let psi = Tensor.select(isOdd, 2 - multiple, multiple) + piece * 2
    let own = (gap * annealing + psi) / (1 + annealing)
    let lack = try Tensor.select(angles.rows.isTarget, angles.rows.column(own), gaps)
    let lengths = try embeddings.inArithmetic().length(axes: [1], keepDimensions: true)
    return try crossEntropy(logits: -lack * lengths, targets: targets, reduction: reduction).asType(angles.sample.dtype)
}

extension LossDescription {
    private static let faces: [Input] = [
        .init("embeddings", ["n", "d"]), .init("weights", ["classes", "d"]), .init("targets", ["n"], .classes("classes")),
    ]

    static let arcFaceLoss = LossDescription(
        "arcFace", .classification, "Softmax of cosines, an angle added to the own class's",
        reference: "Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, 2019", inputs: faces,
        options: [.number("scale", 64), .number("margin", 0.5), .reduction]
    ) {
        try arcFace(
            embeddings: $0["embeddings"], weights: $0["weights"], targets: $0["targets"], scale: $0.number("scale"),
            margin: $0.number("margin"), reduction: $0.reduction())
    }

    static let cosFaceLoss = LossDescription(
        "cosFace", .classification, "Softmax of cosines, a margin taken from the own class's",
        reference: "Wang et al., CosFace: Large Margin Cosine Loss for Deep Face Recognition, 2018", inputs: faces,
        options: [.number("scale", 64), .number("margin", 0.35), .reduction]
    ) {
        try cosFace(
            embeddings: $0["embeddings"], weights: $0["weights"], targets: $0["targets"], scale: $0.number("scale"),
            margin: $0.number("margin"), reduction: $0.reduction())
    }

    static let amSoftmaxLoss = LossDescription(
        "amSoftmax", .classification, "Softmax of cosines with an additive margin",
        reference: "Wang et al., Additive Margin Softmax for Face Verification, 2018", inputs: faces,
        options: [.number("scale", 30), .number("margin", 0.35), .reduction]
    ) {
        try amSoftmax(
            embeddings: $0["embeddings"], weights: $0["weights"], targets: $0["targets"], scale: $0.number("scale"),
            margin: $0.number("margin"), reduction: $0.reduction())
    }

    static let sphereFaceLoss = LossDescription(
        "sphereFace", .classification, "Softmax of cosines, the own class's angle multiplied",
        reference: "Liu et al., SphereFace: Deep Hypersphere Embedding for Face Recognition, 2017", inputs: faces,
        options: [.integer("margin", 4), .number("annealing", 0), .reduction]
    ) {
        try sphereFace(
            embeddings: $0["embeddings"], weights: $0["weights"], targets: $0["targets"], margin: $0.integer("margin"),
            annealing: $0.number("annealing"), reduction: $0.reduction())
    }
}
