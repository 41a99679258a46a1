extension LossRegistry {
    static let geometry: [LossDescription] = [
        .hyperbolicConfusionLoss, .hyperbolicCrossEntropyLoss, .localRigidityLoss, .rotationSimilarityLoss, .localIsometryLoss,
        .momentumLoss, .surfaceAlignmentLoss, .normalConsistencyLoss, .objectDistinctionLoss, .objectOpacityLoss, .chamferLoss,
        .hausdorffLoss,
    ]
}
