extension LossRegistry {
    static let topology: [LossDescription] = [
        .mstLengthLoss, .mstLengthRegularizerLoss, .tregsLoss, .topologicalAutoencoderLoss, .topologicalSignatureLoss, .connectivityLoss,
        .totalPersistenceLoss, .persistenceEntropyLoss, .diagramWassersteinLoss, .diagramBottleneckLoss, .diagramSlicedWassersteinLoss,
        .copheneticLoss, .dendrogramMismatchLoss, .spanningTreeEntropyLoss, .spanningTreeDimensionLoss, .bettiNumberPriorLoss,
        .bettiMatchingLoss,
    ]
}
