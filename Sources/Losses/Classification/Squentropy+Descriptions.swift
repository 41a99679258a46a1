import LossKitOps

extension LossDescription {
    private static let classified: [Input] = [.init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes"))]
    private static let robustRow = "label-distributionally-robust-losses-for-multi-class-classification-consistency"
    private static let robustReference = "Zhu, Ying and Yang, Label Distributionally Robust Losses for Multi-class Classification, 2023"

    static let squentropyLoss = LossDescription(
        "squentropy", .classification, "Cross-entropy and the mean square of the other classes' logits",
        reference: "Hui, Belkin and Wright, Cut your Losses with Squentropy, 2023", inputs: classified, options: [.reduction],
        catalogue: ["cut-your-losses-with-squentropy"]
    ) { try squentropy(logits: $0["logits"], targets: $0["targets"], reduction: $0.reduction()) }

    static let stableMaxCrossEntropyLoss = LossDescription(
        "stableMaxCrossEntropy", .classification, "A softmax cross-entropy without the exponential",
        reference: "Prieto et al., Grokking at the Edge of Numerical Stability, 2025", inputs: classified, options: [.reduction],
        catalogue: ["grokking-at-the-edge-of-numerical-stability"]
    ) { try stableMaxCrossEntropy(logits: $0["logits"], targets: $0["targets"], reduction: $0.reduction()) }

    static let sphericalZLossLoss = LossDescription(
        "sphericalZLoss", .classification, "Softplus of the own class's standardised logit",
        reference: "de Brebisson and Vincent, The Z-loss: a Shift and Scale Invariant Classification Loss, 2016", inputs: classified,
        options: [.number("sharpness", 1), .number("threshold", 1), .reduction],
        catalogue: ["the-z-loss-a-shift-and-scale-invariant-classification"]
    ) {
        try sphericalZLoss(
            logits: $0["logits"], targets: $0["targets"], sharpness: $0.number("sharpness"), threshold: $0.number("threshold"),
            reduction: $0.reduction())
    }

    static let labelRobustLoss = LossDescription(
        "labelRobust", .classification, "The worst case over distributions of labels near the uniform one", reference: robustReference,
        inputs: classified, options: [.number("lambda", 1), .number("margin", 2), .reduction], catalogue: [robustRow]
    ) {
        try labelRobust(
            logits: $0["logits"], targets: $0["targets"], lambda: $0.number("lambda"), margin: $0.number("margin"),
            reduction: $0.reduction())
    }

    static let adaptiveLabelRobustLoss = LossDescription(
        "adaptiveLabelRobust", .classification, "The label-robust loss with a temperature for each row", reference: robustReference,
        inputs: classified + [.init("temperatures", ["n"], .real(0.5...1), isDifferentiable: false)],
        options: [.number("lambda", 1), .number("alpha", 2), .number("margin", 1), .reduction], catalogue: [robustRow]
    ) {
        try adaptiveLabelRobust(
            logits: $0["logits"], targets: $0["targets"], temperatures: $0["temperatures"], lambda: $0.number("lambda"),
            alpha: $0.number("alpha"), margin: $0.number("margin"), reduction: $0.reduction())
    }
}
