extension LossOracle {
    static let topology: [LossOracle] = [
        .mstLength, .mstLengthRegularizer, .tregs, .topologicalAutoencoder, .topologicalSignature, .connectivity, .totalPersistence,
        .persistenceEntropy, .diagramWasserstein, .diagramBottleneck, .diagramSlicedWasserstein, .cophenetic, .dendrogramMismatch,
        .spanningTreeEntropy, .spanningTreeDimension, .bettiNumberPrior, .bettiMatching,
    ]
}
