import LossKitOps

/// Log-probabilities of token sequences from hidden states and the vocabulary matrix, without the logits.
///
/// The sum over a sequence's tokens of the log-softmax of `hidden . weight^T + bias`; what preference losses take.
/// Gradients to the hidden states, the matrix and the bias as
/// ``linearCrossEntropy(hidden:weight:bias:targets:weights:ignoreIndex:labelSmoothing:zLoss:softCap:gradientFilter:reduction:)``
/// carries them.
///
/// - Parameters:
///   - hidden: [B, T, D]; the state at t is the one that predicts the token at t.
///   - weight: [V, D].
///   - bias: [V] or nil.
///   - targets: [B, T], integers.
///   - ignoreIndex: Tokens with this index count for nothing.
/// - Returns: [B], not above 0.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the token; shape and type mismatches;
///   ``TensorError/notDifferentiable(operation:order:)`` where the gradient is differentiated again.
/// - Note: Memory grows with the hidden states, not with B T V.
public func sequenceLogProbabilities(
    hidden: Tensor, weight: Tensor, bias: Tensor? = nil, targets: Tensor, ignoreIndex: Int = -100
) throws -> Tensor {
    try requireShape(hidden, [nil, nil, nil], "hidden states", "sequenceLogProbabilities")
    let (batch, time, width) = (hidden.shape[0], hidden.shape[1], hidden.shape[2])
    try requireShape(targets, [batch, time], "targets", "sequenceLogProbabilities")
    let tokens = try linearCrossEntropy(
        hidden: hidden.reshaped([batch * time, width]), weight: weight, bias: bias, targets: targets.reshaped([batch * time]),
        ignoreIndex: ignoreIndex, reduction: .none)
    return try -tokens.reshaped([batch, time]).sum(axes: [1])
}
