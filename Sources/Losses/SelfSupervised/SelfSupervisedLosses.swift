extension LossRegistry {
    static let selfSupervised: [LossDescription] = byName + contrast + spread

    private static let byName: [LossDescription] = [
        .vicRegLoss, .barlowTwinsLoss, .whitenedMSELoss, .swAVLoss, .dinoLoss, .byolLoss, .simSiamLoss,
    ]
    private static let contrast: [LossDescription] = [
        .hardContrastiveLoss, .robustGlobalContrastiveLoss, .multiHeadContrastiveLoss, .metaContrastiveLoss, .clusterContrastiveLoss,
        .groupOrderingLoss,
    ]
    private static let spread: [LossDescription] = [
        .mixedBarlowTwinsLoss, .iterativeWhiteningLoss, .dispersiveLoss, .slicedGaussianLoss, .leJEPALoss, .embeddingDynamicsLoss,
        .clusterAssignmentLoss,
    ]
}
