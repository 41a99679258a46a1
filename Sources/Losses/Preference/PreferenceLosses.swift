import LossKitOps

extension LossRegistry {
    static let preference: [LossDescription] = [
        .directPreferenceLoss, .robustDirectPreferenceLoss, .fastSlowPreferenceLoss, .negativePreferenceLoss, .selfImprovingPreferenceLoss,
        .semanticPreferenceLoss, .tokenUnlikelihoodLoss,
    ]
}

extension LossDescription {
    private static let likelihood = Values.real(-4...(-0.2))
    private static let pairs: [Input] = [
        .init("chosen", ["n"], likelihood), .init("rejected", ["n"], likelihood),
        .init("referenceChosen", ["n"], likelihood, isDifferentiable: false),
        .init("referenceRejected", ["n"], likelihood, isDifferentiable: false),
    ]

    static let directPreferenceLoss = LossDescription(
        "directPreference", .preference, "The chosen sequence gains more over the reference than the rejected one",
        reference: "Rafailov et al., Direct Preference Optimization: Your Language Model is Secretly a Reward Model, 2023", inputs: pairs,
        options: [.number("beta", 0.1), .number("labelSmoothing", 0), .reduction],
        catalogue: ["online-dpo-online-direct-preference-optimization-with-fast-slow"]
    ) {
        try directPreference(
            chosen: $0["chosen"], rejected: $0["rejected"], referenceChosen: $0["referenceChosen"],
            referenceRejected: $0["referenceRejected"], beta: $0.number("beta"), labelSmoothing: $0.number("labelSmoothing"),
            reduction: $0.reduction())
    }

    static let robustDirectPreferenceLoss = LossDescription(
        "robustDirectPreference", .preference, "Direct preference, unbiased where a share of the preferences is flipped",
        reference: "Ray Chowdhury, Kini and Natarajan, Provably Robust DPO: Aligning Language Models with Noisy Feedback, 2024",
        inputs: pairs,
        options: [.number("beta", 0.1), .number("flipRate", 0.1), .reduction],
        catalogue: ["provably-robust-dpo-aligning-language-models-with-noisy-feedback"]
    ) {
        try robustDirectPreference(
            chosen: $0["chosen"], rejected: $0["rejected"], referenceChosen: $0["referenceChosen"],
            referenceRejected: $0["referenceRejected"], beta: $0.number("beta"), flipRate: $0.number("flipRate"), reduction: $0.reduction())
    }

    static let fastSlowPreferenceLoss = LossDescription(
        "fastSlowPreference", .preference, "Direct preference against the reference and against a slow module",
        reference: "Qi et al., Online DPO: Online Direct Preference Optimization with Fast-Slow Chasing, 2024",
        inputs: pairs + [
            .init("slowChosen", ["n"], likelihood, isDifferentiable: false),
            .init("slowRejected", ["n"], likelihood, isDifferentiable: false),
        ],
        options: [.number("beta", 0.1), .number("chasing", 1), .reduction],
        catalogue: ["online-dpo-online-direct-preference-optimization-with-fast-slow"]
    ) {
        try fastSlowPreference(
            chosen: $0["chosen"], rejected: $0["rejected"], referenceChosen: $0["referenceChosen"],
            referenceRejected: $0["referenceRejected"], slowChosen: $0["slowChosen"], slowRejected: $0["slowRejected"],
            beta: $0.number("beta"), chasing: $0.number("chasing"), reduction: $0.reduction())
    }

    static let negativePreferenceLoss = LossDescription(
        "negativePreference", .preference, "Unlearning that slows down as the sequence becomes unlikely",
        reference: "Zhang et al., Negative Preference Optimization: From Catastrophic Collapse to Effective Unlearning, 2024",
        inputs: [.init("logProbabilities", ["n"], likelihood), .init("reference", ["n"], likelihood, isDifferentiable: false)],
        options: [.number("beta", 0.1), .reduction],
        catalogue: ["negative-preference-optimization-from-catastrophic-collapse-to-effective-unlearning"]
    ) {
        try negativePreference(
            logProbabilities: $0["logProbabilities"], reference: $0["reference"], beta: $0.number("beta"), reduction: $0.reduction())
    }

    static let selfImprovingPreferenceLoss = LossDescription(
        "selfImprovingPreference", .preference, "Squared losses of a policy and of one that improves its completions",
        reference: "Choi et al., Self-Improving Robust Preference Optimization, 2024",
        inputs: ["chosen", "rejected", "chosenGivenRejected", "rejectedGivenChosen", "rejectedGivenRejected", "chosenGivenChosen"].map {
            .init($0, ["n"])
        },
        options: [.number("beta", 0.1), .number("alpha", 0.5), .number("probability", 1), .reduction],
        catalogue: ["self-improving-robust-preference-optimization"]
    ) {
        try selfImprovingPreference(
            chosen: $0["chosen"], rejected: $0["rejected"], chosenGivenRejected: $0["chosenGivenRejected"],
            rejectedGivenChosen: $0["rejectedGivenChosen"], rejectedGivenRejected: $0["rejectedGivenRejected"],
            chosenGivenChosen: $0["chosenGivenChosen"], beta: $0.number("beta"), alpha: $0.number("alpha"),
            probability: $0.number("probability"), reduction: $0.reduction())
    }

    static let semanticPreferenceLoss = LossDescription(
        "semanticPreference", .preference, "A formula about two sequences, more probable than its contrary",
        reference: "Richardson, Srikumar and Sabharwal, Understanding the Logic of Direct Preference Alignment through Logic, 2024",
        inputs: [
            .init("chosen", ["n"], likelihood), .init("rejected", ["n"], likelihood),
            .init("referenceChosen", ["n"], likelihood, isOptional: true, isDifferentiable: false),
            .init("referenceRejected", ["n"], likelihood, isOptional: true, isDifferentiable: false),
        ],
        options: [.choice("form", PreferenceForm.contrastive), .number("beta", 1), .reduction],
        catalogue: ["understanding-the-logic-of-direct-preference-alignment-through-logic"]
    ) {
        try semanticPreference(
            chosen: $0["chosen"], rejected: $0["rejected"], referenceChosen: $0.optional("referenceChosen"),
            referenceRejected: $0.optional("referenceRejected"), form: $0.choice("form"), beta: $0.number("beta"), reduction: $0.reduction()
        )
    }

    static let tokenUnlikelihoodLoss = LossDescription(
        "tokenUnlikelihood", .preference, "What should not be said, made unlikely",
        reference: "Lu et al., Event Knowledge Incorporation with Posterior Regularization for Event-Centric Question Answering, 2023",
        inputs: [
            .init("logits", ["n", "t", "classes"]), .init("weights", ["n", "classes"], .real(0...1), isDifferentiable: false),
            .init("mask", ["n", "t"], .integers(0...1), isOptional: true),
        ],
        options: [.flag("isSelective", false), .reduction],
        catalogue: ["event-knowledge-incorporation-with-posterior-regularization-for-event-centric"]
    ) {
        try tokenUnlikelihood(
            logits: $0["logits"], weights: $0["weights"], mask: $0.optional("mask"), isSelective: $0.flag("isSelective"),
            reduction: $0.reduction())
    }
}
