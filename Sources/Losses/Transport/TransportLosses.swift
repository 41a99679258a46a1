extension LossRegistry {
    static let transport: [LossDescription] = [
        .sinkhornDivergenceLoss, .wasserstein1DLoss, .energyDistance1DLoss, .circularWassersteinLoss, .slicedWassersteinLoss,
        .maxSlicedWassersteinLoss, .sphericalSlicedWassersteinLoss, .buresWassersteinLoss, .mongeGapLoss, .partialAssignmentLoss,
        .sparseTransportLoss, .hausdorffDivergenceLoss, .minibatchTransportLoss, .generalizedSlicedWassersteinLoss,
    ]
}
