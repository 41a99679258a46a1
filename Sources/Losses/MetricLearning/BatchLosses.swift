extension LossRegistry {
    /// Losses over the pairs and triplets of a batch.
    static let batch: [LossDescription] = [.ntXentLoss, .supConLoss, .batchTripletMarginLoss]
}
