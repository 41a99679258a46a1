extension LossRegistry {
    static let regression: [LossDescription] = residuals + likelihoods

    private static let residuals: [LossDescription] = [
        .mseLoss, .l1Loss, .huberLoss, .pseudoHuberLoss, .smoothL1Loss, .logCoshLoss, .quantileLoss, .tukeyBiweightLoss, .cauchyLoss,
        .gemanMcClureLoss, .adaptiveRobustLoss,
    ]
    private static let likelihoods: [LossDescription] = [
        .poissonNLLLoss, .gaussianNLLLoss, .marginRankingLoss,
    ]
}
