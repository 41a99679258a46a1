import LossKitOps

/// A loss that depends on a row's logits only through its cross-entropy `-log p_y`, and so costs one fused pass each way.
///
/// - Parameters:
///   - logits: [N, C], [N, C, d1, ...] or [C].
///   - targets: Integers of that shape without C.
///   - function: Gives the elements from the cross-entropies; at 0 it is 0, which is what ignored rows get.
func classLoss(
    logits: Tensor, targets: Tensor, ignoreIndex: Int, reduction: Reduction, _ operation: String, of function: (Tensor) throws -> Tensor
) throws -> Tensor {
    guard try !targets.checked().dtype.isFloatingPoint else {
        throw TensorError.dtypeMismatch(operation: operation, expected: "integer class indices", actual: [targets.dtype])
    }
    let elements = try function(crossEntropy(logits: logits, targets: targets, ignoreIndex: ignoreIndex, reduction: .none))
    guard reduction == .mean else { return try reduction(elements) }
    return try reduction(elements, counts: (targets .!= Double(ignoreIndex)).asType(elements.dtype))
}

extension Tensor {
    /// 1 - exp(-x) of cross-entropies: the probability that is not the own class's.
    var missingProbability: Tensor { -(-self).expm1() }

    /// A power of numbers that are not negative, with a finite derivative at 0 where what it is multiplied by is 0 there.
    func heldPower(_ exponent: Double) -> Tensor { clamped(min: 1e-18).power(exponent) }
}
