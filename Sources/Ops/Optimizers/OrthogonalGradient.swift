/// An optimiser that is given only the part of each gradient that does not point along its parameter, at the gradient's own length.
///
/// `g' = g - <w, g> / <w, w> w`, then `g' |g| / |g'|`, by parameters: scaling a network's weights, which lowers its loss without changing a
/// decision, is taken out of training.
/// Prieto et al., Grokking at the Edge of Numerical Stability, 2025.
public struct OrthogonalGradient<Base: Optimizer>: Optimizer {
    private var base: Base

    /// The base's own.
    public var learningRate: Double {
        get { base.learningRate }
        set { base.learningRate = newValue }
    }

    /// Wraps an optimiser, which takes the steps.
    public init(_ base: Base) { self.base = base }

    /// The parameters after the base's step along the projected gradients.
    public mutating func step(_ parameters: [Tensor], gradients: [Tensor]) throws -> [Tensor] {
        guard parameters.count == gradients.count else { return try base.step(parameters, gradients: gradients) }
        return try base.step(parameters, gradients: zip(parameters, gradients).map(projected))
    }
}

/// What of a gradient is at right angles to its parameter, at the gradient's length.
private func projected(_ parameter: Tensor, _ gradient: Tensor) throws -> Tensor {
    let along = try (parameter * gradient).sum() / (parameter.square().sum() + 1e-30)
    let rest = gradient - parameter * along
    return try (rest * (gradient.norm() / (rest.norm() + 1e-30))).evaluated()
}
