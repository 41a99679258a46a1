import LossKitKernels

// Systems and factors of square matrices [..., n, n], by LAPACK on the host in float64: on an OpenCL device the matrices cross over.

/// The lower triangular L with L L^T = a for symmetric and positive definite matrices [..., n, n], of which only the lower triangle is
/// read.
///
/// Gradient: the symmetric part of L^-T Phi(L^T g) L^-1, Phi taking the lower triangle with half the diagonal. Twice differentiable.
/// Numerics: by LAPACK on the host in float64, rounded once to the matrices' type; on an OpenCL device the matrices cross over.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first matrix that is not positive definite (one with
///   NaN
///   is not), ``TensorError/shapeMismatch(operation:expected:actual:)`` unless they are square,
///   ``TensorError/dtypeMismatch(operation:expected:actual:)`` unless they are floating point,
///   ``DeviceError/libraryMissing(library:operation:remedy:)`` without LAPACK.
public func cholesky(_ a: Tensor) throws -> Tensor {
    let batch = try MatrixBatch(a, operation: "cholesky", isSquare: true)
    let factors = try batch.matrices().enumerated().map { index, matrix in
        var matrix = matrix
        let minor = try Decomposition.cholesky(&matrix, n: batch.n)
        guard minor == 0 else {
            throw TensorError.invalidArgument(
                operation: "cholesky", expected: "positive definite matrices",
                actual: "matrix \(index), whose leading minor \(minor) is not positive")
        }
        for column in 0..<batch.n { for row in 0..<column { matrix[column * batch.n + row] = 0 } }
        return matrix
    }
    let n = batch.n
    let output = try batch.tensor(factors, rows: n, columns: n)
    return Tensor.record("cholesky", inputs: [a], output: output, savingOutput: true) { pullback in
        let factor = pullback.outputs[0]
        let half = try Tensor.lowerMask(n, like: factor) - Tensor.identity(n, like: factor) * 0.5
        let inner = try factor.matrixTransposed.matmul(pullback.cotangent) * half
        let left = try triangularSolve(factor.matrixTransposed, inner, isLower: false)
        let whole = try triangularSolve(factor.matrixTransposed, left.matrixTransposed, isLower: false)
        return [try (whole + whole.matrixTransposed) * 0.5]
    }
}

/// x of a x = b for triangular matrices a [..., n, n], whose other triangle is not read, and b [..., n, k]; leading axes broadcast.
///
/// Gradient: for b the solution h of a^T h = g, for a the triangle of -h x^T. Twice differentiable.
/// Numerics: by LAPACK on the host in float64, as ``cholesky(_:)``; NaN in is NaN out.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first matrix with a zero on its diagonal, and as
///   ``cholesky(_:)`` for shapes and types that do not fit.
public func triangularSolve(_ a: Tensor, _ b: Tensor, isLower: Bool = true) throws -> Tensor {
    let mask = try Tensor.lowerMask(try a.checked().shape.last ?? 0, like: a)
    return try solved(a, b, operation: "triangularSolve", mask: isLower ? mask : mask.transposed()) {
        try Decomposition.triangularSolve($0, &$1, n: $2, columns: $3, isLower: isLower)
    } adjoint: {
        try triangularSolve($0.matrixTransposed, $1, isLower: !isLower)
    }
}

/// x of a x = b for square matrices a [..., n, n] and b [..., n, k]; leading axes broadcast.
///
/// Gradient: for b the solution h of a^T h = g, for a -h x^T. Twice differentiable.
/// Numerics: by LAPACK on the host in float64 (LU with pivots), as ``cholesky(_:)``; NaN in is NaN out. A matrix that is singular only up
/// to
/// rounding is solved, with the error its condition brings.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first singular matrix, and as ``cholesky(_:)`` for
///   shapes
///   and types that do not fit.
public func solve(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    try solved(a, b, operation: "solve", mask: nil) {
        try Decomposition.solve($0, &$1, n: $2, columns: $3)
    } adjoint: {
        try solve($0.matrixTransposed, $1)
    }
}

private func solved(
    _ a: Tensor, _ b: Tensor, operation: String, mask: Tensor?, by solver: ([Double], inout [Double], Int, Int) throws -> Int,
    adjoint: @escaping @Sendable (Tensor, Tensor) throws -> Tensor
) throws -> Tensor {
    guard try a.checked().rank >= 2, try b.checked().rank >= 2, a.shape[a.rank - 1] == b.shape[b.rank - 2],
        let lead = Shape.broadcast(Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
    else {
        throw TensorError.shapeMismatch(operation: operation, expected: "a [..., n, n] and b [..., n, k]", actual: [a.shape, b.shape])
    }
    guard a.device == b.device else { throw TensorError.deviceMismatch(operation: operation, devices: ["\(a.device)", "\(b.device)"]) }
    let matrices = try MatrixBatch(a.broadcast(to: lead + a.shape.suffix(2)), operation: operation, isSquare: true)
    let sides = try MatrixBatch(b.broadcast(to: lead + b.shape.suffix(2)), operation: operation)
    let solutions = try zip(matrices.matrices(), sides.matrices()).enumerated().map { index, system in
        var side = system.1
        let pivot = try solver(system.0, &side, matrices.n, sides.n)
        guard pivot == 0 else {
            throw TensorError.invalidArgument(
                operation: operation, expected: "regular matrices", actual: "matrix \(index), whose pivot \(pivot) is zero")
        }
        return side
    }
    let output = try sides.tensor(solutions, rows: sides.m, columns: sides.n)
    return Tensor.record("solve", inputs: [a, b], output: output, savingOutput: true) { pullback in
        let side = try adjoint(a, pullback.cotangent)
        var matrix: Tensor?
        if pullback.isNeeded[0] {
            let outer = try -side.matmul(pullback.outputs[0].matrixTransposed)
            matrix = try (mask.map { outer * $0 } ?? outer).summed(toShapeOf: a)
        }
        return [matrix, try side.summed(toShapeOf: b)]
    }
}

/// The inverse of square matrices [..., n, n]; see ``solve(_:_:)``, which is better where only a solution is wanted.
///
/// Gradient: -a^-T g a^-T. Twice differentiable.
/// - Throws: As ``solve(_:_:)``.
public func inverse(_ a: Tensor) throws -> Tensor {
    try solve(a, .identity(try MatrixBatch(a, operation: "inverse", isSquare: true).n, like: a))
}

/// Sign and logarithm of the absolute value of the determinants of square matrices [..., n, n], each [...]: sign 0 and minus infinity for a
/// singular matrix, as NumPy's `slogdet`.
///
/// Gradient: g a^-T through the logarithm, which a singular matrix does not have (an error then); the sign has none. Twice differentiable.
/// Numerics: as ``solve(_:_:)``.
/// - Throws: As ``cholesky(_:)`` for shapes and types that do not fit.
public func logDeterminant(_ a: Tensor) throws -> (sign: Tensor, logarithm: Tensor) {
    let batch = try MatrixBatch(a, operation: "logDeterminant", isSquare: true)
    let results = try batch.matrices().map { try Decomposition.logDeterminant($0, n: batch.n) }
    let logarithm = try batch.tensor(results.map { [$0.logarithm] }, length: 1).reshaped(batch.lead)
    let recorded = Tensor.record("logDeterminant", inputs: [a], output: logarithm) { pullback in
        let cotangent = try pullback.cotangent.expandedDimensions(at: -1).expandedDimensions(at: -1)
        return [try cotangent * inverse(a).matrixTransposed]
    }
    return (try batch.tensor(results.map { [$0.sign] }, length: 1).reshaped(batch.lead), recorded)
}
