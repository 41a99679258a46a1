extension LossRegistry {
    static let distillation: [LossDescription] = [
        .knowledgeDistillationLoss, .decoupledDistillationLoss, .progressiveSelfDistillationLoss, .squaredErrorLogitLoss,
        .partialSoftLabelLoss, .binaryKLDistillationLoss, .kernelAlignmentLoss, .landmarkDistillationLoss,
    ]
}
