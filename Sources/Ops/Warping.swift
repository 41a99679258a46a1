import LossKitKernels

/// The least (or softly least) sum of costs [batch] of a path through each table [batch, n, m], from its first cell to its last, that moves
/// right, down or both.
///
/// Softly: `-gamma log sum over paths of exp(-sum of costs / gamma)`. Its gradient is the weight of the paths through each cell; hard, 1
/// along the first of the best paths. A second derivative is not provided.
///
/// - Parameters:
///   - costs: [batch, n, m], floating point; computed in float32.
///   - gamma: At least 0; 0 for the minimum itself.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``;
///   ``TensorError/notDifferentiable(operation:order:)`` where a second derivative is asked for.
package func warpingCosts(_ costs: Tensor, gamma: Double) throws -> Tensor {
    guard try costs.checked().rank == 3, costs.shape[1] > 0, costs.shape[2] > 0 else {
        throw TensorError.shapeMismatch(operation: "warpingCosts", expected: "costs [batch, n, m], n and m above 0", actual: [costs.shape])
    }
    guard gamma >= 0, Float(gamma).isFinite else {
        throw TensorError.invalidArgument(operation: "warpingCosts", expected: "gamma >= 0", actual: "\(gamma)")
    }
    let single = costs.asType(.float32)
    let (shape, device) = (single.shape, single.device)
    let call = Warping(batch: shape[0], n: shape[1], m: shape[2], gamma: gamma)
    let table = try Tensor.empty(shape, dtype: .float32, on: device)
    let distances = try Tensor.empty([shape[0]], dtype: .float32, on: device)
    try call.forward(costs: single.slice(), table: table.output(), distances: distances.output(), on: device)
    return Tensor.record("warping", inputs: [single], output: distances) { pullback in
        if Tensor.records([single, pullback.cotangent]) { throw TensorError.notDifferentiable(operation: "warping", order: 2) }
        let visits = try Tensor.empty(shape, dtype: .float32, on: device)
        try call.backward(table: table.output(), visits: visits.output(), on: device)
        return [try visits * pullback.cotangent.reshaped([shape[0], 1, 1])]
    }
}
