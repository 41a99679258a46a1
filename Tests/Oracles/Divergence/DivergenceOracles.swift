extension LossOracle {
    static let divergence: [LossOracle] =
        [.klDivergence, .jensenShannon, .gaussianMMD, .energyDistance, .hsic] + divergenceResearch
}
