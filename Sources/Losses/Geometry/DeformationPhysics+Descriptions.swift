extension LossDescription {
    private static let dynamic = "Luiten et al., Dynamic 3D Gaussians, 2024; Duisterhof et al., MD-Splatting, 2023"
    private static let deformationRow = ["md-splatting-learning-metric-deformation-from-4d-gaussians-in"]
    private static let graph: [Input] = [
        .init("neighbours", ["n", "m"], .classes("n")), .init("weights", ["n", "m"], .real(0.2...1), isDifferentiable: false),
    ]
    private static let quaternions: [Input] = [
        .init("rotations", ["n", "quaternion"], .real(0.2...1)),
        .init("previousRotations", ["n", "quaternion"], .real(0.2...1), isDifferentiable: false),
    ]

    static let localRigidityLoss = LossDescription(
        "localRigidity", .geometry, "Neighbours keep their places in each point's turned frame", reference: dynamic,
        inputs: [.init("points", ["n", "xyz"]), .init("previous", ["n", "xyz"], isDifferentiable: false)] + quaternions + graph,
        options: [.reduction], catalogue: deformationRow
    ) {
        try localRigidity(
            points: $0["points"], previous: $0["previous"], rotations: $0["rotations"], previousRotations: $0["previousRotations"],
            neighbours: $0["neighbours"], weights: $0["weights"], reduction: $0.reduction())
    }

    static let rotationSimilarityLoss = LossDescription(
        "rotationSimilarity", .geometry, "Neighbours turn alike", reference: dynamic, inputs: quaternions + graph, options: [.reduction],
        catalogue: deformationRow
    ) {
        try rotationSimilarity(
            rotations: $0["rotations"], previousRotations: $0["previousRotations"], neighbours: $0["neighbours"], weights: $0["weights"],
            reduction: $0.reduction())
    }

    static let localIsometryLoss = LossDescription(
        "localIsometry", .geometry, "Neighbours keep their distances from the first step", reference: dynamic,
        inputs: [.init("points", ["n", "xyz"]), .init("initial", ["n", "xyz"], isDifferentiable: false)] + graph, options: [.reduction],
        catalogue: deformationRow
    ) {
        try localIsometry(
            points: $0["points"], initial: $0["initial"], neighbours: $0["neighbours"], weights: $0["weights"], reduction: $0.reduction())
    }

    static let momentumLoss = LossDescription(
        "momentum", .geometry, "Points keep their velocity", reference: dynamic,
        inputs: [.init("points", ["n", "d"]), .init("previous", ["n", "d"]), .init("next", ["n", "d"])], options: [.reduction],
        catalogue: deformationRow
    ) { try momentum(points: $0["points"], previous: $0["previous"], next: $0["next"], reduction: $0.reduction()) }
}
