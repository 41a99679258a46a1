import LossKitOps

/// A cross-entropy, and what else the logits told while they were read for it.
public struct CrossEntropyStatistics: Sendable {
    /// What `crossEntropy` gives, in the logits' type.
    public let loss: Tensor
    /// `log sum_k exp z_k` of every row's (capped, divided) logits, float32; it can be differentiated too.
    public let logPartition: Tensor
    /// The first of every row's largest logits, int32; -1 where a logit is NaN.
    public let predictions: Tensor
    /// The share of right predictions among the rows that are not ignored, float32; NaN where there are none. Nil for probabilities.
    public let accuracy: Tensor?
}
