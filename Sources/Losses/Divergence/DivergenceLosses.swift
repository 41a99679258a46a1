extension LossRegistry {
    static let divergence: [LossDescription] = [.klDivergenceLoss, .jensenShannonLoss]
}
