extension LossOracle {
    static let metricLearning: [LossOracle] = metricResearch + [
        .infoNCE, .tripletMargin, .contrastive, .signalToNoiseContrastive, .multiSimilarity, .circle, .classCircle, .liftedStructure,
        .generalizedLiftedStructure, .nPairs, .nca, .angular, .tupletMargin, .marginLoss, .cosineEmbedding, .proxyNCA, .proxyAnchor,
        .softTriple, .centerLoss, .histogramLoss, .fastAP, .rankedList,
    ]
}
