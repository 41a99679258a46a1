extension LossRegistry {
    static let divergence: [LossDescription] = [
        .klDivergenceLoss, .jensenShannonLoss, .gaussianMMDLoss, .energyDistanceLoss, .hsicLoss, .sampleQuadraticLoss, .cauchySchwarzLoss,
        .cauchySchwarzInformationLoss, .conditionalCauchySchwarzLoss, .robustExpectationLoss,
    ]
}
