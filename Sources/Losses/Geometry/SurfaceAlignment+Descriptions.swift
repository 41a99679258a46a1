extension LossDescription {
    private static let sugar = "Guedon and Lepetit, SuGaR: Surface-Aligned Gaussian Splatting for Efficient 3D Mesh Reconstruction, 2024"
    private static let sugarRow = ["sugar-surface-aligned-gaussian-splatting-for-efficient-3d-mesh"]
    private static let gaussians: [Input] = [
        .init("centers", ["m", "xyz"], .real(-1...1)), .init("rotations", ["m", "xyz", "xyz"], .real(-1...1)),
        .init("scales", ["m", "xyz"], .real(0.3...1)), .init("opacities", ["m"], .real(0.1...0.45)),
        .init("neighbours", ["n", "e"], .classes("m")),
    ]

    static let surfaceAlignmentLoss = LossDescription(
        "surfaceAlignment", .geometry, "The density of Gaussians is that of a surface", reference: sugar,
        inputs: [.init("samples", ["n", "xyz"], .real(-1...1))] + gaussians + [.init("distances", ["n"], .real(-1...1))],
        options: [.number("extent", 1), .choice("form", SurfaceField.distance), .reduction], catalogue: sugarRow
    ) {
        try surfaceAlignment(
            samples: $0["samples"], centers: $0["centers"], rotations: $0["rotations"], scales: $0["scales"], opacities: $0["opacities"],
            neighbours: $0["neighbours"], distances: $0["distances"], extent: $0.number("extent"), form: $0.choice("form"),
            reduction: $0.reduction())
    }

    static let normalConsistencyLoss = LossDescription(
        "normalConsistency", .geometry, "Gaussians face as those around them", reference: sugar,
        inputs: [.init("samples", ["n", "xyz"], .real(-1...1), isDifferentiable: false), .init("owners", ["n"], .classes("m"))]
            + gaussians.map { input in
                let carries = input.name == "rotations"
                return .init(input.name, input.shape, input.values, isDifferentiable: carries)
            },
        options: [.reduction], catalogue: sugarRow
    ) {
        try normalConsistency(
            samples: $0["samples"], owners: $0["owners"], centers: $0["centers"], rotations: $0["rotations"], scales: $0["scales"],
            opacities: $0["opacities"], neighbours: $0["neighbours"], reduction: $0.reduction())
    }
}
