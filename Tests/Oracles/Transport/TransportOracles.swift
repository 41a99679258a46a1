extension LossOracle {
    static let transport: [LossOracle] = [
        .sinkhornDivergence, .wasserstein1D, .energyDistance1D, .circularWasserstein,
        .buresWasserstein, .mongeGap, .partialAssignment, .sparseTransport,
        .hausdorffDivergence, .minibatchTransport,
    ]
}
