import LossKitOps

/// Distillation of coordinates from a tough and a tolerant teacher (KD-Loss with assistive losses).
///
/// The teachers are reflected to the student's side of the truth g: with `s = sign(x - g)`, `T = g + s |tough - g|`,
/// `T' = g + 0.15 s |tough - g|`,
/// O and O' likewise of the tolerant one. Assistance `w_T |T - x|` with `w_T = 1.9` where x lies beyond T, `-0.45` where it lies between T'
/// and T
/// (1.8 and -0.4 for O). Main term, with `e = |g - x|` and `d = |g - O|`: `3 e` up to d, beyond `e^2 + 3 d - d^2`.
/// `mainWeight main + toughWeight assistance_T + tolerantWeight assistance_O`, the mean over all elements; all but x is held.
///
/// - Parameters:
///   - predictions: Any shape, coordinates normalised.
///   - targets: The same shape; no derivative is carried to them, nor to the teachers.
///   - tough: The same shape, the teacher that was trained on the labels.
///   - tolerant: The same shape, the teacher that was trained on smoothed labels.
///   - mainWeight: Of the main term.
///   - toughWeight: Of the tough teacher.
///   - tolerantWeight: Of the tolerant one.
///   - reduction: Over all elements.
/// - Throws: Shape mismatches.
/// - Note: Fard and Mahoor, Facial Landmark Points Detection Using Knowledge Distillation-Based Neural Networks, 2022.
public func landmarkDistillation(
    predictions: Tensor, targets: Tensor, tough: Tensor, tolerant: Tensor, mainWeight: Double = 1, toughWeight: Double = 1,
    tolerantWeight: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    for other in [targets, tough, tolerant] { try requireEqualShapes(predictions, other, "landmarkDistillation") }
    try requireFloatingPoint(predictions, "landmarkDistillation")
    let truth = stopGradient(targets)
    let held = stopGradient(predictions)
    let side = (held - truth).sign()
    func assistance(_ teacher: Tensor, beyond: Double, between: Double) throws -> Tensor {
        let reach = (stopGradient(teacher) - truth).absolute() * side
        let (whole, part) = (truth + reach, truth + reach * 0.15)
        let isBeyond = ((held - whole).sign() * (whole - truth).sign()) .> 0
        let isBetween = ((whole - held).sign() * (held - part).sign()) .>= 0
        let weight = isBeyond.asType(predictions.dtype) * beyond + isBetween.asType(predictions.dtype) * between
        return weight * (whole - predictions).absolute()
    }
    let error = (predictions - truth).absolute()
    let room = (stopGradient(tolerant) - truth).absolute()
    let main = Tensor.select(error .<= room, error * 3, error.square() + room * 3 - room.square())
    let assisted = try assistance(tough, beyond: 1.9, between: -0.45) * toughWeight
    return try reduction(main * mainWeight + assisted + assistance(tolerant, beyond: 1.8, between: -0.4) * tolerantWeight)
}

extension LossDescription {
    static let landmarkDistillationLoss = LossDescription(
        "landmarkDistillation", .distillation, "Coordinates from a tough and a tolerant teacher",
        reference: "Fard and Mahoor, Facial Landmark Points Detection Using Knowledge Distillation-Based Neural Networks, 2022",
        inputs: [
            .init("predictions", ["n", "d"], .real(0...1)), .init("targets", ["n", "d"], .real(0...1), isDifferentiable: false),
            .init("tough", ["n", "d"], .real(0...1), isDifferentiable: false),
            .init("tolerant", ["n", "d"], .real(0...1), isDifferentiable: false),
        ],
        options: [.number("mainWeight", 1), .number("toughWeight", 1), .number("tolerantWeight", 1), .reduction],
        catalogue: ["facial-landmark-points-detection-using-knowledge-distillation-based-neural"]
    ) {
        try landmarkDistillation(
            predictions: $0["predictions"], targets: $0["targets"], tough: $0["tough"], tolerant: $0["tolerant"],
            mainWeight: $0.number("mainWeight"), toughWeight: $0.number("toughWeight"), tolerantWeight: $0.number("tolerantWeight"),
            reduction: $0.reduction())
    }
}
