import LossKitOps

/// Predictions minus targets, of one shape and floating point.
func residual(_ predictions: Tensor, _ targets: Tensor, _ operation: String) throws -> Tensor {
    try requireEqualShapes(predictions, targets, operation)
    try requireFloatingPoint(predictions, operation)
    return predictions - targets
}

extension Tensor {
    /// `f(x)` where `|x| <= 1` and `g(max(|x|, 1))` elsewhere, each branch fed only what it is meant for: for functions whose squares
    /// would overflow.
    func nearAndFar(_ near: (Tensor) throws -> Tensor, _ far: (Tensor) throws -> Tensor) rethrows -> Tensor {
        Tensor.select(absolute() .> 1, try far(absolute().clamped(min: 1)), try near(clamped(min: -1, max: 1)))
    }

    /// `log(1 + x^2)`, exact for small x and finite for large ones.
    func logOfOnePlusSquare() -> Tensor {
        nearAndFar({ $0.square().log1p() }, { $0.log() * 2 + (1 / $0).square().log1p() })
    }
}
