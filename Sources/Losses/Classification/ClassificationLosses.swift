extension LossRegistry {
    static let classification: [LossDescription] = labelled + binary + robust + margins + research

    private static let labelled: [LossDescription] = [
        .crossEntropyLoss, .linearCrossEntropyLoss, .nllLoss, .multiMarginLoss, .multiLabelMarginLoss, .multiLabelSoftMarginLoss, .focalLoss,
        .polyCrossEntropyLoss,
    ]
    private static let binary: [LossDescription] = [
        .binaryCrossEntropyLoss, .binaryCrossEntropyOfProbabilitiesLoss, .softMarginLoss, .hingeLoss, .squaredHingeLoss, .binaryFocalLoss,
        .asymmetricLossLoss, .polyFocalLoss,
    ]
    private static let robust: [LossDescription] = [
        .generalizedCrossEntropyLoss, .robustPseudoLabelLoss, .entropyMinimizationLoss, .compSumLoss, .smoothAdversarialCompSumLoss,
        .symmetricCrossEntropyLoss, .squentropyLoss, .stableMaxCrossEntropyLoss, .sphericalZLossLoss, .labelRobustLoss,
        .adaptiveLabelRobustLoss,
    ]
    private static let margins: [LossDescription] = [
        .arcFaceLoss, .cosFaceLoss, .amSoftmaxLoss, .sphereFaceLoss, .entmaxLossLoss, .entmax15LossLoss, .sparsemaxLossLoss,
        .sampledSoftmaxLoss, .adaptiveSoftmaxLoss, .hierarchicalSoftmaxLoss, .ctcLoss,
    ]
    private static let research: [LossDescription] = [
        .rejectionLoss, .correctnessAwareLoss, .entropyMaximizationLoss, .directCoverageLoss, .taylorVariationalPULoss, .anyLossLoss,
        .reweightedLoss, .ensLossLoss, .earlyLearningLoss, .numberTokenLoss, .numberTokenDistributionLoss,
    ]
}
