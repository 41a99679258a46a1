extension LossOracle {
    static let divergence: [LossOracle] = [.klDivergence, .jensenShannon]
}
