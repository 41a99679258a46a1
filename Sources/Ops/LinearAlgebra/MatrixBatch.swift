import LossKitKernels

/// The matrices [..., m, n] of a tensor on the host, in float64 and column-major order, as LAPACK takes them; results go back to the
/// tensor's type and device.
struct MatrixBatch {
    let tensor: Tensor
    let lead: [Int]
    let m: Int
    let n: Int

    init(_ tensor: Tensor, operation: String, isSquare: Bool = false) throws {
        guard try tensor.checked().rank >= 2, !isSquare || tensor.shape[tensor.rank - 1] == tensor.shape[tensor.rank - 2] else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: isSquare ? "square matrices [..., n, n]" : "matrices [..., m, n]", actual: [tensor.shape])
        }
        guard tensor.dtype.isFloatingPoint else {
            throw TensorError.dtypeMismatch(operation: operation, expected: "floating-point matrices", actual: [tensor.dtype])
        }
        self.tensor = stopGradient(tensor)
        lead = Array(tensor.shape.dropLast(2))
        (m, n) = (tensor.shape[tensor.rank - 2], tensor.shape[tensor.rank - 1])
    }

    var count: Int { lead.reduce(1, *) }

    /// Every matrix, column-major.
    func matrices() throws -> [[Double]] {
        let values = try tensor.swappingAxes(-1, -2).array(of: Double.self)
        return (0..<count).map { Array(values[$0 * m * n..<($0 + 1) * m * n]) }
    }

    /// Every matrix, column-major, none with NaN or an infinity, on which LAPACK's iterations need not end.
    func finiteMatrices(for operation: String) throws -> [[Double]] {
        let matrices = try matrices()
        if let index = matrices.firstIndex(where: { !$0.allSatisfy(\.isFinite) }) {
            throw TensorError.invalidArgument(
                operation: operation, expected: "finite matrices", actual: "matrix \(index), which holds NaN or an infinity")
        }
        return matrices
    }

    /// Column-major results of one shape as a tensor [..., rows, columns].
    func tensor(_ results: [[Double]], rows: Int, columns: Int) throws -> Tensor {
        try Tensor(results.flatMap { $0 }, shape: lead + [columns, rows], dtype: tensor.dtype, on: tensor.device).swappingAxes(-1, -2)
            .packed()
    }

    /// Lists as a tensor [..., length].
    func tensor(_ results: [[Double]], length: Int) throws -> Tensor {
        try Tensor(results.flatMap { $0 }, shape: lead + [length], dtype: tensor.dtype, on: tensor.device)
    }
}

extension Tensor {
    /// Matrices with their last two axes exchanged.
    var matrixTransposed: Tensor {
        get throws { try swappingAxes(-1, -2) }
    }

    /// Ones on and below the diagonal `offset` (0: the main one) of an n x n matrix.
    static func lowerMask(_ n: Int, offset: Int = 0, like other: Tensor) throws -> Tensor {
        let index = try arange(to: Double(n), on: other.device)
        return try (index.expandedDimensions(at: 1) + offset .>= index).asType(other.dtype)
    }

    /// The identity of the matrices' size and type.
    static func identity(_ n: Int, like other: Tensor) throws -> Tensor { try eye(n, dtype: other.dtype, on: other.device) }
}
