import LossKitKernels

/// The negative log-likelihood [rows] of label sequences, summed over all their alignments with frames, above 1e29 where there is none.
///
/// Its gradient is the posterior probability of each state at each frame, negative; a second derivative is not provided.
///
/// - Parameters:
///   - emissions: [frames, rows, states]; computed in float32.
///   - skips: [rows, states], float32: 0 where a state may be entered from two before it, else -1e30.
///   - lengths: [rows], frames of each row, in range.
///   - sizes: [rows], labels of each row, in range.
package func alignmentLosses(emissions: Tensor, skips: Tensor, lengths: Tensor, sizes: Tensor) throws -> Tensor {
    let single = emissions.asType(.float32)
    let (frames, rows, states) = (single.shape[0], single.shape[1], single.shape[2])
    let device = single.device
    // Kept for the backward step: the slices of the call refer to their memory.
    let call = Alignment(
        rows: rows, frames: frames, states: states, emissions: try single.slice(), skips: try skips.slice(),
        lengths: try lengths.asType(.int32).slice(), sizes: try sizes.asType(.int32).slice())
    let alphas = try Tensor.empty([frames, rows, states], dtype: .float32, on: device)
    let losses = try Tensor.empty([rows], dtype: .float32, on: device)
    try call.forward(alphas: alphas.output(), losses: losses.output(), on: device)
    let values = try losses.output()
    return Tensor.record("alignment", inputs: [single], output: losses) { pullback in
        if Tensor.records([single, pullback.cotangent]) { throw TensorError.notDifferentiable(operation: "ctc", order: 2) }
        let betas = try Tensor.empty([rows, 2, states], dtype: .float32, on: device)
        let posteriors = try Tensor.empty([frames, rows, states], dtype: .float32, on: device)
        try call.backward(alphas: alphas.output(), losses: values, betas: betas.output(), posteriors: posteriors.output(), on: device)
        return [try posteriors * pullback.cotangent.expandedDimensions(at: 1) * -1]
    }
}
