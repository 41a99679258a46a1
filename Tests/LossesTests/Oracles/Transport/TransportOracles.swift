extension LossOracle {
    static let transport: [LossOracle] = [
        .sinkhornDivergence, .wasserstein1D, .energyDistance1D, .circularWasserstein, .slicedWasserstein, .maxSlicedWasserstein,
        .sphericalSlicedWasserstein, .buresWasserstein, .mongeGap, .partialAssignment, .sparseTransport,
        .hausdorffDivergence, .minibatchTransport, .generalizedSlicedWasserstein,
    ]
}
