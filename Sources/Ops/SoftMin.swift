import LossKitKernels

/// The soft minimum over y of a cost plus a potential, for each x: the one operation of which entropic optimal transport is made.
///
/// `f_i = -epsilon log sum_j exp(h_j - C(x_i, y_j) / epsilon)` with `C = |x - y|^2 / 2` (power 2) or `|x - y|` (power 1), online: O(n + m) memory.
package struct SoftMin: Sendable {
    private let x: Tensor
    private let y: Tensor
    private let yTransposed: Tensor
    private let power: Int
    private let kernels: PairKernels

    /// - Parameters:
    ///   - x: [n, d] float32.
    ///   - y: [m, d] float32.
    package init(from x: Tensor, to y: Tensor, power: Int) throws {
        self.x = try stopGradient(x).packed().evaluated()
        self.y = try stopGradient(y).packed().evaluated()
        yTransposed = try self.y.transposed().packed().evaluated()
        self.power = power
        kernels = PairKernels(n: x.shape[0], m: y.shape[0], d: x.shape[1])
    }

    /// The soft minimum for exponents h [m].
    package func callAsFunction(_ h: Tensor, epsilon: Double) throws -> Tensor {
        let output = try Tensor.empty([kernels.n], dtype: .float32, on: x.device)
        try kernels.softMin(
            power: power, epsilon: Float(epsilon), x: x.slice(), yTransposed: yTransposed.slice(), h: h.slice(), into: output.output(),
            on: x.device)
        return output
    }

    /// sum_j w_ij dC(x_i, y_j)/dx_i [n, d], w the soft minimum's weights, which sum to 1 for each i.
    package func costGradient(_ h: Tensor, value: Tensor, epsilon: Double) throws -> Tensor {
        let output = try Tensor.empty([kernels.n, kernels.d], dtype: .float32, on: x.device)
        try kernels.softMinDifferences(
            power: power, epsilon: Float(epsilon), x: x.slice(), yTransposed: yTransposed.slice(), h: h.slice(), value: value.slice(),
            into: output.output(), on: x.device)
        return output
    }
}
