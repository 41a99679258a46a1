extension LossRegistry {
    static let metricLearning: [LossDescription] =
        [.infoNCELoss, .tripletMarginLoss] + pairs + proxies + rankings

    private static let pairs: [LossDescription] = [
        .contrastiveLoss, .signalToNoiseContrastiveLoss, .multiSimilarityLoss, .circleLoss, .classCircleLoss, .liftedStructureLoss,
        .generalizedLiftedStructureLoss, .nPairsLoss, .ncaLoss, .angularLoss, .tupletMarginLoss, .marginLossLoss, .cosineEmbeddingLoss,
    ]
    private static let proxies: [LossDescription] = [
        .proxyNCALoss, .proxyAnchorLoss, .softTripleLoss, .centerLossLoss,
    ]
    private static let rankings: [LossDescription] = [.histogramLossLoss, .fastAPLoss, .rankedListLoss]
}
