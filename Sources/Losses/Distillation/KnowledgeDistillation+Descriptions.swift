import LossKitOps

extension LossDescription {
    private static let taught: [Input] = [
        .init("logits", ["n", "classes"]), .init("teacherLogits", ["n", "classes"], isDifferentiable: false),
    ]
    private static let transferRow = "towards-the-fundamental-limits-of-knowledge-transfer-over-finite"
    private static let transfer = "Zhao and Zhu, Towards the Fundamental Limits of Knowledge Transfer over Finite Domains, 2024"
    private static let drawn: [Input] = [
        .init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes")),
        .init("teacherLogProbabilities", ["n"], .real(-4...(-0.1)), isDifferentiable: false),
    ]

    static let knowledgeDistillationLoss = LossDescription(
        "knowledgeDistillation", .distillation, "A student's softened predictions near a teacher's",
        reference: "Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015",
        inputs: taught + [.init("targets", ["n"], .classes("classes"), isOptional: true)],
        options: [.number("temperature", 4), .number("alpha", 0.5), .reduction]
    ) {
        try knowledgeDistillation(
            logits: $0["logits"], teacherLogits: $0["teacherLogits"], targets: $0.optional("targets"),
            temperature: $0.number("temperature"),
            alpha: $0.number("alpha"), reduction: $0.reduction())
    }

    static let decoupledDistillationLoss = LossDescription(
        "decoupledDistillation", .distillation, "Distillation split into the own class and the others",
        reference: "Zhao et al., Decoupled Knowledge Distillation, 2022",
        inputs: taught + [.init("targets", ["n"], .classes("classes"))],
        options: [.number("temperature", 4), .number("alpha", 1), .number("beta", 8), .reduction]
    ) {
        try decoupledDistillation(
            logits: $0["logits"], teacherLogits: $0["teacherLogits"], targets: $0["targets"], temperature: $0.number("temperature"),
            alpha: $0.number("alpha"), beta: $0.number("beta"), reduction: $0.reduction())
    }

    static let progressiveSelfDistillationLoss = LossDescription(
        "progressiveSelfDistillation", .distillation, "Labels mixed with the model's own earlier predictions",
        reference: "Kim et al., Self-Knowledge Distillation with Progressive Refinement of Targets, 2021",
        inputs: [
            .init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes")),
            .init("past", ["n", "classes"], .probabilities, isDifferentiable: false),
        ],
        options: [.number("alpha", 0.8), .reduction], catalogue: ["self-knowledge-distillation-with-progressive-refinement-of-targets"]
    ) {
        try progressiveSelfDistillation(
            logits: $0["logits"], targets: $0["targets"], past: $0["past"], alpha: $0.number("alpha"), reduction: $0.reduction())
    }

    static let squaredErrorLogitLoss = LossDescription(
        "squaredErrorLogit", .distillation, "Squared error of the log-probabilities of labels a teacher has drawn", reference: transfer,
        inputs: drawn, options: [.reduction], catalogue: [transferRow]
    ) {
        try squaredErrorLogit(
            logits: $0["logits"], targets: $0["targets"], teacherLogProbabilities: $0["teacherLogProbabilities"], reduction: $0.reduction())
    }

    static let partialSoftLabelLoss = LossDescription(
        "partialSoftLabel", .distillation, "Cross-entropy weighed by the teacher's probability of the drawn label", reference: transfer,
        inputs: drawn, options: [.reduction], catalogue: [transferRow]
    ) {
        try partialSoftLabel(
            logits: $0["logits"], targets: $0["targets"], teacherLogProbabilities: $0["teacherLogProbabilities"], reduction: $0.reduction())
    }
}
