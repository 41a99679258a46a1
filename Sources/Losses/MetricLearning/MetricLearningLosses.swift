extension LossRegistry {
    static let metricLearning: [LossDescription] =
        [.infoNCELoss, .tripletMarginLoss] + pairs + proxies + rankings + research

    private static let pairs: [LossDescription] = [
        .contrastiveLoss, .signalToNoiseContrastiveLoss, .multiSimilarityLoss, .circleLoss, .classCircleLoss, .liftedStructureLoss,
        .generalizedLiftedStructureLoss, .nPairsLoss, .ncaLoss, .angularLoss, .tupletMarginLoss, .marginLossLoss, .cosineEmbeddingLoss,
    ]
    private static let proxies: [LossDescription] = [
        .proxyNCALoss, .proxyAnchorLoss, .softTripleLoss, .centerLossLoss,
    ]
    private static let research: [LossDescription] = [
        .thresholdConsistentMarginLoss, .energyConfusionLoss, .hypoLoss, .prototypeDispersionLoss, .envelopeLoss, .traceHomogeneityLoss,
        .traceContrastLoss, .unifiedNegativesLoss, .protoTripletLoss, .nearestClassNeighboursLoss, .metrixLoss,
    ]
    private static let rankings: [LossDescription] = [.histogramLossLoss, .fastAPLoss, .rankedListLoss]
}
