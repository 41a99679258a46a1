import LossKitOps

extension LossDescription {
    private static let classified: [Input] = [.init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes"))]
    private static let selfLearning = "if-your-data-distribution-shifts-use-self-learning"
    private static let compSumRow = "cross-entropy-loss-functions-theoretical-analysis-and-applications"

    static let generalizedCrossEntropyLoss = LossDescription(
        "generalizedCrossEntropy", .classification, "Between cross-entropy and the mean absolute error",
        reference: "Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, 2018",
        inputs: classified, options: [.number("q", 0.8), .integer("ignoreIndex", -100), .reduction], catalogue: [selfLearning]
    ) {
        try generalizedCrossEntropy(
            logits: $0["logits"], targets: $0["targets"], q: $0.number("q"), ignoreIndex: $0.integer("ignoreIndex"),
            reduction: $0.reduction())
    }

    static let robustPseudoLabelLoss = LossDescription(
        "robustPseudoLabel", .classification, "Generalised cross-entropy against a teacher's most likely class",
        reference: "Rusak et al., If Your Data Distribution Shifts, Use Self-Learning, 2022",
        inputs: [
            .init("logits", ["n", "classes"]), .init("teacherLogits", ["n", "classes"], isOptional: true, isDifferentiable: false),
        ],
        options: [.number("q", 0.8), .reduction], catalogue: [selfLearning]
    ) {
        try robustPseudoLabel(
            logits: $0["logits"], teacherLogits: $0.optional("teacherLogits"), q: $0.number("q"), reduction: $0.reduction())
    }

    static let entropyMinimizationLoss = LossDescription(
        "entropyMinimization", .classification, "Entropy of the predicted distribution",
        reference: "Grandvalet and Bengio, Semi-Supervised Learning by Entropy Minimization, 2004",
        inputs: [.init("logits", ["n", "classes"])], options: [.reduction], catalogue: [selfLearning]
    ) { try entropyMinimization(logits: $0["logits"], reduction: $0.reduction()) }

    static let compSumLoss = LossDescription(
        "compSum", .classification, "A family that holds cross-entropy and its robust relatives",
        reference: "Mao, Mohri and Zhong, Cross-Entropy Loss Functions: Theoretical Analysis and Applications, 2023",
        inputs: classified, options: [.number("tau", 1), .integer("ignoreIndex", -100), .reduction], catalogue: [compSumRow]
    ) {
        try compSum(
            logits: $0["logits"], targets: $0["targets"], tau: $0.number("tau"), ignoreIndex: $0.integer("ignoreIndex"),
            reduction: $0.reduction())
    }

    static let smoothAdversarialCompSumLoss = LossDescription(
        "smoothAdversarialCompSum", .classification, "A comp-sum loss, and how far an attack moves the logits' differences",
        reference: "Mao, Mohri and Zhong, Cross-Entropy Loss Functions: Theoretical Analysis and Applications, 2023",
        inputs: [
            .init("logits", ["n", "classes"]), .init("attackedLogits", ["n", "classes"]), .init("targets", ["n"], .classes("classes")),
        ],
        options: [.number("tau", 1), .number("nu", 1), .reduction], catalogue: [compSumRow]
    ) {
        try smoothAdversarialCompSum(
            logits: $0["logits"], attackedLogits: $0["attackedLogits"], targets: $0["targets"], tau: $0.number("tau"),
            nu: $0.number("nu"), reduction: $0.reduction())
    }

    static let symmetricCrossEntropyLoss = LossDescription(
        "symmetricCrossEntropy", .classification, "Cross-entropy and its reverse, which bears wrong labels",
        reference: "Wang et al., Symmetric Cross Entropy for Robust Learning with Noisy Labels, 2019", inputs: classified,
        options: [.number("alpha", 1), .number("beta", 1), .number("logZero", -4), .integer("ignoreIndex", -100), .reduction],
        catalogue: ["learning-from-noisy-pseudo-labels-for-all-weather-land"]
    ) {
        try symmetricCrossEntropy(
            logits: $0["logits"], targets: $0["targets"], alpha: $0.number("alpha"), beta: $0.number("beta"),
            logZero: $0.number("logZero"), ignoreIndex: $0.integer("ignoreIndex"), reduction: $0.reduction())
    }
}
