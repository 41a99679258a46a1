extension LossRegistry {
    private static let reduction = LossDescription.Option("reduction", .reduction(.mean))

    static let classification: [LossDescription] = [
        LossDescription(
            "crossEntropy", family: "classification", summary: "Softmax cross-entropy of logits and class indices or probabilities",
            reference: "PyTorch cross_entropy; Szegedy et al., Rethinking the Inception Architecture, 2016 (label smoothing)",
            inputs: [
                .init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes"), isDifferentiable: false),
                .init("weights", ["classes"], .real(0.5...2), isOptional: true, isDifferentiable: false),
            ],
            options: [.init("ignoreIndex", .integer(-100)), .init("labelSmoothing", .number(0)), .init("zLoss", .number(0)), reduction]
        ) {
            try crossEntropy(
                logits: $0.tensor("logits"), targets: $0.tensor("targets"), weights: $0.optional("weights"),
                ignoreIndex: $0.integer("ignoreIndex"),
                labelSmoothing: $0.number("labelSmoothing"), zLoss: $0.number("zLoss"), reduction: $0.reduction())
        },
        LossDescription(
            "binaryCrossEntropy", family: "classification", summary: "Cross-entropy of independent yes-or-no logits",
            reference: "PyTorch binary_cross_entropy_with_logits",
            inputs: [
                .init("logits", ["n", "d"]), .init("targets", ["n", "d"], .real(0...1)),
                .init("positiveWeight", ["d"], .real(0.5...2), isOptional: true),
            ], options: [reduction]
        ) {
            try binaryCrossEntropy(
                logits: $0.tensor("logits"), targets: $0.tensor("targets"), positiveWeight: $0.optional("positiveWeight"),
                reduction: $0.reduction())
        },
    ]

    private static let residuals: [LossDescription.Input] = [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])]

    static let regression: [LossDescription] = [
        LossDescription(
            "mse", family: "regression", summary: "Mean squared error", reference: "PyTorch mse_loss", inputs: residuals,
            options: [reduction]
        ) { try mse(predictions: $0.tensor("predictions"), targets: $0.tensor("targets"), reduction: $0.reduction()) },
        LossDescription(
            "l1", family: "regression", summary: "Mean absolute error", reference: "PyTorch l1_loss", inputs: residuals,
            options: [reduction]
        ) { try l1(predictions: $0.tensor("predictions"), targets: $0.tensor("targets"), reduction: $0.reduction()) },
        LossDescription(
            "huber", family: "regression", summary: "Squared near 0, linear beyond delta",
            reference: "Huber, Robust Estimation of a Location Parameter, 1964", inputs: residuals,
            options: [.init("delta", .number(1)), reduction]
        ) {
            try huber(
                predictions: $0.tensor("predictions"), targets: $0.tensor("targets"), delta: $0.number("delta"), reduction: $0.reduction())
        },
        LossDescription(
            "pseudoHuber", family: "regression", summary: "A smooth Huber loss",
            reference: "Charbonnier et al., Deterministic Edge-Preserving Regularization in Computed Imaging, 1997", inputs: residuals,
            options: [.init("delta", .number(1)), reduction]
        ) {
            try pseudoHuber(
                predictions: $0.tensor("predictions"), targets: $0.tensor("targets"), delta: $0.number("delta"), reduction: $0.reduction())
        },
    ]

    static let metricLearning: [LossDescription] = [
        LossDescription(
            "infoNCE", family: "metric-learning", summary: "Each query picks its own key out of the batch",
            reference: "van den Oord, Li and Vinyals, Representation Learning with Contrastive Predictive Coding, 2018",
            inputs: [.init("queries", ["n", "d"]), .init("keys", ["n", "d"])], options: [.init("temperature", .number(0.07)), reduction]
        ) {
            try infoNCE(
                queries: $0.tensor("queries"), keys: $0.tensor("keys"), temperature: $0.number("temperature"), reduction: $0.reduction())
        },
        LossDescription(
            "tripletMargin", family: "metric-learning", summary: "A positive nearer to its anchor than a negative, by a margin",
            reference: "Schroff, Kalenichenko and Philbin, FaceNet, 2015",
            inputs: [.init("anchors", ["n", "d"]), .init("positives", ["n", "d"]), .init("negatives", ["n", "d"])],
            options: [.init("margin", .number(1)), .init("swap", .flag(false)), reduction]
        ) {
            try tripletMargin(
                anchors: $0.tensor("anchors"), positives: $0.tensor("positives"), negatives: $0.tensor("negatives"),
                margin: $0.number("margin"),
                swap: $0.flag("swap"), reduction: $0.reduction())
        },
    ]

    static let transport: [LossDescription] = [
        LossDescription(
            "sinkhornDivergence", family: "transport", summary: "Debiased entropic optimal transport between weighted point clouds",
            reference: "Feydy et al., Interpolating between Optimal Transport and MMD using Sinkhorn Divergences, 2019",
            inputs: [
                .init("x", ["n", "d"]), .init("y", ["m", "d"]), .init("a", ["n"], .real(0.5...1), isOptional: true),
                .init("b", ["m"], .real(0.5...1), isOptional: true),
            ],
            options: [
                .init("epsilon", .number(0.05)), .init("power", .integer(2)), .init("reach", .number(nil)),
                .init("tolerance", .number(1e-3)),
                .init("maximumIterations", .integer(1000)),
            ]
        ) {
            try sinkhornDivergence(
                $0.tensor("x"), $0.tensor("y"), a: $0.optional("a"), b: $0.optional("b"), epsilon: $0.number("epsilon"),
                power: $0.integer("power"), reach: $0.optionalNumber("reach"), tolerance: $0.number("tolerance"),
                maximumIterations: $0.integer("maximumIterations"))
        }
    ]

    static let topology: [LossDescription] = [
        LossDescription(
            "mstLength", family: "topology", summary: "Length of the minimum spanning tree, edges to a power",
            reference: "total persistence of connected components", inputs: [.init("points", ["n", "d"])],
            options: [.init("power", .number(1))]
        ) { try mstLength($0.tensor("points"), power: $0.number("power")) },
        LossDescription(
            "mstLengthRegularizer", family: "topology", summary: "Spreads embeddings out by the length of their spanning tree (T-REG)",
            reference: "T-REGS: Minimum Spanning Tree Regularization for Self-Supervised Learning, 2025",
            inputs: [.init("points", ["n", "d"])],
            options: [.init("gamma", .number(0.2)), .init("lambda", .number(8e-4))],
            catalogue: ["t-regs-minimum-spanning-tree-regularization-for-self-supervised"]
        ) { try mstLengthRegularizer($0.tensor("points"), gamma: $0.number("gamma"), lambda: $0.number("lambda")) },
        LossDescription(
            "topologicalAutoencoder", family: "topology",
            summary: "Edges that connect a space keep their length in its embedding, and the reverse",
            reference: "Moor, Horn, Rieck and Borgwardt, Topological Autoencoders, 2020",
            inputs: [.init("inputs", ["n", "d"]), .init("embeddings", ["n", "e"])], catalogue: ["topological-autoencoders"]
        ) { try topologicalAutoencoder(inputs: $0.tensor("inputs"), embeddings: $0.tensor("embeddings")) },
    ]
}
