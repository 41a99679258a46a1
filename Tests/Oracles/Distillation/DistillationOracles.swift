extension LossOracle {
    static let distillation: [LossOracle] = [
        .knowledgeDistillation, .decoupledDistillation, .progressiveSelfDistillation, .squaredErrorLogit, .partialSoftLabel,
        .binaryKLDistillation, .kernelAlignment, .landmarkDistillation,
    ]
}
