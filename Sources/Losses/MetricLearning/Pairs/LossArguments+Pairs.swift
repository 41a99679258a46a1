import LossKitOps

extension LossDescription.Input {
    /// A batch with its labels, of which few are many rows'.
    static let labelledBatch: [LossDescription.Input] = [.init("embeddings", ["n", "d"]), .init("labels", ["n"], .integers(0...2))]

    /// What the batch may be compared with in place of itself.
    static let references: [LossDescription.Input] = [
        .init("references", ["m", "d"], isOptional: true), .init("referenceLabels", ["m"], .integers(0...2), isOptional: true),
    ]
}

extension LossDescription.Option {
    static func distance(_ standard: EmbeddingDistance) -> [LossDescription.Option] {
        [choice("distance", standard.measure), flag("isNormalized", standard.isNormalized)]
    }

    static func reducer(_ standard: Reducer.Kind) -> LossDescription.Option {
        choice("reducer", NamedReducer(rawValue: standard.rawValue) ?? .mean)
    }

    /// A miner by name, and the epsilon of the one that has one.
    static let miner: [LossDescription.Option] = [choice("miner", NamedMiner.all), number("epsilon", 0.1)]
}

/// Miners that need no more than a name.
enum NamedMiner: String, CaseIterable {
    case all, multiSimilarity, batchHard, batchEasy, batchSemihard, hardest
}

/// Reducers that need no more than a name.
enum NamedReducer: String, CaseIterable {
    case mean, nonZeroMean, sum, perAnchor
}

extension LossArguments {
    func distance() throws -> EmbeddingDistance { try EmbeddingDistance(choice("distance"), isNormalized: flag("isNormalized")) }

    func reducer() throws -> Reducer {
        switch try choice("reducer", of: NamedReducer.self) {
        case .mean: .mean
        case .nonZeroMean: .nonZeroMean
        case .sum: .sum
        case .perAnchor: .mean.perAnchor
        }
    }

    func miner() throws -> PairMiner {
        switch try choice("miner", of: NamedMiner.self) {
        case .all: .all
        case .multiSimilarity: .multiSimilarity(epsilon: try number("epsilon"))
        case .batchHard: .batchHard
        case .batchEasy: .extremes(positive: .easy, negative: .easy)
        case .batchSemihard: .extremes(positive: .easy, negative: .semihard)
        case .hardest: .hardest()
        }
    }

    /// References, where both their embeddings and their labels are given.
    func references() throws -> References? {
        guard let embeddings = optional("references"), let labels = optional("referenceLabels") else {
            try require(
                optional("references") == nil && optional("referenceLabels") == nil, "references", "both references and referenceLabels",
                "one of them")
            return nil
        }
        return References(embeddings: embeddings, labels: labels)
    }
}
