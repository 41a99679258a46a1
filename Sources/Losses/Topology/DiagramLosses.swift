import LossKitOps

extension LossDescription {
    private static let diagrams: [Input] = [.init("diagram", ["n", "pair"]), .init("target", ["m", "pair"])]

    private static func given(_ arguments: LossArguments) throws -> (PersistenceDiagram, PersistenceDiagram) {
        (try PersistenceDiagram(pairs: arguments["diagram"]), try PersistenceDiagram(pairs: arguments["target"]))
    }

    static let diagramWassersteinLoss = LossDescription(
        "diagramWasserstein", .topology, "Wasserstein distance of two persistence diagrams, to the power of its order",
        reference: "Cohen-Steiner, Edelsbrunner, Harer and Mileyko, Lipschitz functions have L_p-stable persistence, 2010",
        inputs: diagrams, options: [.number("order", 2), .choice("norm", DiagramNorm.maximum)]
    ) {
        let (first, second) = try given($0)
        return try diagramWasserstein(first, second, order: $0.number("order"), norm: $0.choice("norm"))
    }

    static let diagramBottleneckLoss = LossDescription(
        "diagramBottleneck", .topology, "Bottleneck distance of two persistence diagrams",
        reference: "Cohen-Steiner, Edelsbrunner and Harer, Stability of persistence diagrams, 2007", inputs: diagrams
    ) {
        let (first, second) = try given($0)
        return try diagramBottleneck(first, second)
    }

    static let diagramSlicedWassersteinLoss = LossDescription(
        "diagramSlicedWasserstein", .topology, "Sliced Wasserstein distance of two persistence diagrams",
        reference: "Carriere, Cuturi and Oudot, Sliced Wasserstein kernel for persistence diagrams, 2017", inputs: diagrams,
        options: [.integer("directions", 10)]
    ) {
        let (first, second) = try given($0)
        return try diagramSlicedWasserstein(first, second, directions: $0.integer("directions"))
    }
}
