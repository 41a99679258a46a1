extension LossRegistry {
    static let ranking: [LossDescription] = [
        .relativeLossPredictionLoss, .absoluteLossPredictionLoss, .mannWhitneyLoss, .rankRegularizedLoss,
    ]
}
