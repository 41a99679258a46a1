/// A norm of matrices.
public enum MatrixNorm: String, Sendable, CaseIterable {
    /// The root of the sum of squares.
    case frobenius
    /// The sum of the singular values; its gradient u vt is a subgradient where the rank is not full.
    case nuclear
    /// The largest singular value; its gradient needs that to be single.
    case spectral
}

extension Tensor {
    /// A norm of each of the matrices [..., m, n], as [...].
    ///
    /// Gradient: a / norm (0 at 0), u vt or the first u_1 vt_1, each times the cotangent.
    /// Numerics: nuclear and spectral norms take the singular values on the host; see ``svd(_:)``.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for fewer than two axes.
    public func matrixNorm(_ norm: MatrixNorm = .frobenius) throws -> Tensor {
        guard try checked().rank >= 2 else {
            throw TensorError.shapeMismatch(operation: "matrixNorm", expected: "matrices [..., m, n]", actual: [shape])
        }
        return switch norm {
        case .frobenius: try self.norm(axes: [-2, -1])
        case .nuclear: try svd(self).s.sum(axes: [-1])
        case .spectral: try svd(self).s.max(axes: [-1])
        }
    }

    /// The sum of the diagonal of square matrices [..., n, n], as [...]; its gradient is the cotangent times the identity.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for matrices that are not square.
    public func trace() throws -> Tensor {
        guard try checked().rank >= 2 else {
            throw TensorError.shapeMismatch(operation: "trace", expected: "square matrices [..., n, n]", actual: [shape])
        }
        return try diagonal().sum(axes: [-1])
    }
}
