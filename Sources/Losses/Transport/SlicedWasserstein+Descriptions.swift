import LossKitOps

extension LossDescription {
    static let cloudInputs: [Input] = [
        .init("x", ["n", "d"]), .init("y", ["m", "d"]), .init("a", ["n"], .probabilities, isOptional: true),
        .init("b", ["m"], .probabilities, isOptional: true),
    ]
    private static let sliceOptions: [Option] = [.number("p", 2), .integer("projections", 50), .integer("seed", 0)]

    static let slicedWassersteinLoss = LossDescription(
        "slicedWasserstein", .transport, "Mean of exact optimal transport along random directions",
        reference: "Bonneel et al., Sliced and Radon Wasserstein Barycenters of Measures, 2015", inputs: cloudInputs, options: sliceOptions
    ) {
        try slicedWasserstein(
            $0["x"], $0["y"], a: $0.optional("a"), b: $0.optional("b"), p: $0.number("p"), projections: $0.integer("projections"),
            seed: $0.integer("seed"))
    }

    static let maxSlicedWassersteinLoss = LossDescription(
        "maxSlicedWasserstein", .transport, "Exact optimal transport along the direction where it is largest",
        reference: "Deshpande et al., Max-Sliced Wasserstein Distance and its Use for GANs, 2019", inputs: cloudInputs,
        options: sliceOptions + [.integer("refinements", 10)]
    ) {
        try maxSlicedWasserstein(
            $0["x"], $0["y"], a: $0.optional("a"), b: $0.optional("b"), p: $0.number("p"), projections: $0.integer("projections"),
            refinements: $0.integer("refinements"), seed: $0.integer("seed"))
    }

    static let sphericalSlicedWassersteinLoss = LossDescription(
        "sphericalSlicedWasserstein", .transport, "Mean of exact optimal transport on random great circles",
        reference: "Bonet et al., Spherical Sliced-Wasserstein, 2023", inputs: cloudInputs, options: sliceOptions
    ) {
        try sphericalSlicedWasserstein(
            $0["x"], $0["y"], a: $0.optional("a"), b: $0.optional("b"), p: $0.number("p"), projections: $0.integer("projections"),
            seed: $0.integer("seed"))
    }
}
