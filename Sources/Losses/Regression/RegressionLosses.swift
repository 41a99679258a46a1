extension LossRegistry {
    static let regression: [LossDescription] = residuals + likelihoods + images + sequences + research

    private static let residuals: [LossDescription] = [
        .mseLoss, .l1Loss, .huberLoss, .pseudoHuberLoss, .smoothL1Loss, .logCoshLoss, .quantileLoss, .tukeyBiweightLoss, .cauchyLoss,
        .gemanMcClureLoss, .adaptiveRobustLoss,
    ]
    private static let likelihoods: [LossDescription] = [
        .poissonNLLLoss, .gaussianNLLLoss, .marginRankingLoss,
    ]
    private static let images: [LossDescription] = [.ssimLoss, .multiScaleSSIMLoss, .totalVariationLoss]
    private static let sequences: [LossDescription] = [.dtwLoss, .softDTWLoss]
    private static let research: [LossDescription] = [
        .adaptiveKeypointsLoss, .adaptiveRotationsLoss, .signalDiceLoss, .regressionAsClassificationLoss, .uncertainJointsLoss,
    ]
}
