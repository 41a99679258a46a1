import LossKitKernels

// Orthogonal and spectral factors of matrices, by LAPACK on the host in float64: on an OpenCL device the matrices cross over.

/// The reduced factors q [..., m, k] with orthonormal columns and upper triangular r [..., k, n] of matrices [..., m, n], k = min(m, n).
///
/// Gradient: (gq + q copyltu(r gr^T - gq^T q)) r^-T, copyltu mirroring the lower triangle; for m >= n and full rank (an error otherwise).
/// Twice differentiable. Walter and Lehmann, Algorithmic Differentiation of Linear Algebra Functions, 2018.
/// Numerics: by LAPACK on the host in float64, rounded once to the matrices' type; the diagonal of r may be negative, as NumPy's.
/// - Throws: As ``cholesky(_:)`` for shapes and types that do not fit.
public func qr(_ a: Tensor) throws -> (q: Tensor, r: Tensor) {
    let batch = try MatrixBatch(a, operation: "qr")
    let k = Swift.min(batch.m, batch.n)
    let factors = try batch.matrices().map { try Decomposition.qr($0, m: batch.m, n: batch.n) }
    let outputs = [
        try batch.tensor(factors.map(\.q), rows: batch.m, columns: k), try batch.tensor(factors.map(\.r), rows: k, columns: batch.n),
    ]
    let isTall = batch.m >= batch.n
    let recorded = Tensor.record("qr", inputs: [a], outputs: outputs, savingOutputs: true) { pullback in
        guard isTall else { throw TensorError.notDifferentiable(operation: "qr of a wide matrix", order: 1) }
        let (q, r) = (pullback.outputs[0], pullback.outputs[1])
        let zero = try Tensor.zeros([], dtype: q.dtype, on: q.device)
        let (gq, gr) = (
            try (pullback.cotangents[0] ?? zero).broadcast(to: q.shape), try (pullback.cotangents[1] ?? zero).broadcast(to: r.shape)
        )
        let inner = try r.matmul(gr.matrixTransposed) - gq.matrixTransposed.matmul(q)
        let lower = try inner * Tensor.lowerMask(k, offset: -1, like: q)
        let symmetric = try lower + lower.matrixTransposed + inner * Tensor.identity(k, like: q)
        let whole = try gq + q.matmul(symmetric)
        return [try triangularSolve(r, whole.matrixTransposed, isLower: false).matrixTransposed]
    }
    return (recorded[0], recorded[1])
}

/// Eigenvalues [..., n] of symmetric matrices [..., n, n] in ascending order, and eigenvectors as columns [..., n, n]; only the lower
/// triangle
/// is read.
///
/// Gradient: V (diag(gw) + F * (V^T gV)) V^T with F_ij = 1 / (w_j - w_i), taken as 0 for equal eigenvalues: there it is right for functions
/// that do not depend on how the eigenvectors of one eigenvalue are chosen or its copies are told apart. Twice differentiable for distinct
/// eigenvalues; near-equal ones make the vectors' derivative as large as the reciprocal of their distance.
/// Numerics: by LAPACK on the host in float64, rounded once to the matrices' type; a vector's sign is arbitrary.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first matrix with NaN or an infinity, and as
///   ``cholesky(_:)`` for shapes and types that do not fit.
public func eigh(_ a: Tensor) throws -> (values: Tensor, vectors: Tensor) {
    let batch = try MatrixBatch(a, operation: "eigh", isSquare: true)
    let n = batch.n
    let results = try batch.finiteMatrices(for: "eigh").map { try Decomposition.symmetricEigen($0, n: n) }
    let outputs = [try batch.tensor(results.map(\.values), length: n), try batch.tensor(results.map(\.vectors), rows: n, columns: n)]
    let recorded = Tensor.record("eigh", inputs: [a], outputs: outputs, savingOutputs: true) { pullback in
        let (w, v) = (pullback.outputs[0], pullback.outputs[1])
        var inner = try Tensor.zeros(v.shape, dtype: v.dtype, on: v.device)
        if let slope = pullback.cotangents[0] { inner = try inner + slope.expandedDimensions(at: -1) * Tensor.identity(n, like: v) }
        if let slope = pullback.cotangents[1] { inner = try inner + gaps(w) * v.matrixTransposed.matmul(slope) }
        let whole = try v.matmul(inner).matmul(v.matrixTransposed)
        return [try (whole + whole.matrixTransposed) * 0.5]
    }
    return (recorded[0], recorded[1])
}

/// 1 / (w_j - w_i), 0 where they are equal.
private func gaps(_ w: Tensor) throws -> Tensor {
    try reciprocalOrZero(w.expandedDimensions(at: -2) - w.expandedDimensions(at: -1))
}

/// 1 / x, and 0 where x is.
private func reciprocalOrZero(_ x: Tensor) throws -> Tensor {
    let isZero = x .== 0
    let (zero, one) = (try Tensor.zeros([], dtype: x.dtype, on: x.device), try Tensor.ones([], dtype: x.dtype, on: x.device))
    return Tensor.select(isZero, zero, Tensor.select(isZero, one, x).reciprocal())
}

/// The reduced singular value decomposition u diag(s) vt of matrices [..., m, n]: u [..., m, k], s [..., k] in descending order,
/// vt [..., k, n], k = min(m, n).
///
/// Gradient: u diag(gs) vt through the values; through the vectors terms with 1 / (s_j^2 - s_i^2) and 1 / s_i, taken as 0 for equal values
/// and for 0: there it is right for functions that do not depend on how those vectors are chosen. Twice differentiable for distinct values
/// above 0; through the values alone once for any. Townsend, Differentiating the Singular Value Decomposition, 2016.
/// Numerics: by LAPACK on the host in float64, rounded once to the matrices' type; the signs of a pair of vectors are arbitrary.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first matrix with NaN or an infinity, and as
///   ``cholesky(_:)`` for shapes and types that do not fit.
public func svd(_ a: Tensor) throws -> (u: Tensor, s: Tensor, vt: Tensor) {
    let batch = try MatrixBatch(a, operation: "svd")
    let k = Swift.min(batch.m, batch.n)
    let results = try batch.finiteMatrices(for: "svd").map { try Decomposition.svd($0, m: batch.m, n: batch.n) }
    let outputs = [
        try batch.tensor(results.map(\.u), rows: batch.m, columns: k), try batch.tensor(results.map(\.s), length: k),
        try batch.tensor(results.map(\.vt), rows: k, columns: batch.n),
    ]
    let recorded = Tensor.record("svd", inputs: [a], outputs: outputs, savingOutputs: true) { pullback in
        [try svdGradient(pullback.outputs[0], pullback.outputs[1], pullback.outputs[2], pullback.cotangents)]
    }
    return (recorded[0], recorded[1], recorded[2])
}

/// With the parts of u and v outside the reduced factors.
private func svdGradient(_ u: Tensor, _ s: Tensor, _ vt: Tensor, _ cotangents: [Tensor?]) throws -> Tensor {
    let v = try vt.matrixTransposed
    let (row, column) = (try s.expandedDimensions(at: -2), try s.expandedDimensions(at: -1))
    // The difference of the squares, without squaring away what tells close values apart.
    let f = try reciprocalOrZero((row - column) * (row + column))
    let inverted = try reciprocalOrZero(row)
    var inner = try Tensor.zeros(f.shape, dtype: s.dtype, on: s.device)
    var outside = try Tensor.zeros(Array(u.shape.dropLast()) + [v.shape[v.rank - 2]], dtype: s.dtype, on: s.device)
    if let slope = cotangents[1] { inner = try inner + slope.expandedDimensions(at: -1) * Tensor.identity(s.shape[s.rank - 1], like: s) }
    if let slope = cotangents[0] {
        let turned = try u.matrixTransposed.matmul(slope)
        inner = try inner + f * (turned - turned.matrixTransposed) * row
        outside = try outside + ((slope - u.matmul(turned)) * inverted).matmul(vt)
    }
    if let slope = try cotangents[2]?.matrixTransposed {
        let turned = try v.matrixTransposed.matmul(slope)
        inner = try inner + column * f * (turned - turned.matrixTransposed)
        outside = try outside + u.matmul(((slope - v.matmul(turned)) * inverted).matrixTransposed)
    }
    return try u.matmul(inner).matmul(vt) + outside
}

/// The Moore-Penrose inverses [..., n, m] of matrices [..., m, n].
///
/// Gradient: that of Golub and Pereyra, The Differentiation of Pseudo-Inverses, 1973, for a rank that does not change. Twice
/// differentiable.
/// Numerics: from ``svd(_:)`` on the host.
/// - Parameter tolerance: Singular values of at most this times the largest are taken as 0; max(m, n) times the type's rounding unit (of
///   float32 for the 16-bit types) where none is given, as PyTorch's.
/// - Throws: As ``svd(_:)``, and ``TensorError/invalidArgument(operation:expected:actual:)`` for a negative tolerance.
public func pseudoInverse(_ a: Tensor, tolerance: Double? = nil) throws -> Tensor {
    guard tolerance.map({ $0 >= 0 }) ?? true else {
        throw TensorError.invalidArgument(operation: "pseudoInverse", expected: "tolerance >= 0", actual: "\(tolerance ?? 0)")
    }
    let (u, s, vt) = try svd(stopGradient(a))
    let unit = a.dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne)
    let tolerance = tolerance ?? Double(Swift.max(a.shape[a.rank - 1], a.shape[a.rank - 2])) * unit
    guard s.count > 0 else { return try a.matrixTransposed }
    let largest = try s.max(axes: [-1], keepDimensions: true)
    let isKept = s .> largest * tolerance
    let (zero, one) = (try Tensor.zeros([], dtype: s.dtype, on: s.device), try Tensor.ones([], dtype: s.dtype, on: s.device))
    let inverted = Tensor.select(isKept, Tensor.select(isKept, s, one).reciprocal(), zero)
    let output = try (vt.matrixTransposed * inverted.expandedDimensions(at: -2)).matmul(u.matrixTransposed)
    return Tensor.record("pseudoInverse", inputs: [a], output: output, savingOutput: true) { pullback in
        let (p, g) = (pullback.outputs[0], pullback.cotangent)
        let (pt, gt) = (try p.matrixTransposed, try g.matrixTransposed)
        let (left, right) = (
            try Tensor.identity(a.shape[a.rank - 2], like: a) - a.matmul(p), try Tensor.identity(a.shape[a.rank - 1], like: a) - p.matmul(a)
        )
        let direct = try pt.matmul(g).matmul(pt)
        return [try left.matmul(gt).matmul(p).matmul(pt) + pt.matmul(p).matmul(gt).matmul(right) - direct]
    }
}
