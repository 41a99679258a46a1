import LossKitKernels

/// The symmetric square roots of symmetric positive semi-definite matrices [..., n, n]; only the lower triangle is read, and eigenvalues
/// below 0
/// count as 0.
///
/// Gradient: X with `R X + X R = G` for the root R; where eigenvalues of R are 0, as if their part of G were. Differentiable any number of
/// times.
/// Numerics: by LAPACK on the host in float64, rounded once to the matrices' type.
/// - Throws: As ``eigh(_:)``.
public func matrixSquareRoot(_ a: Tensor) throws -> Tensor {
    let batch = try MatrixBatch(a, operation: "matrixSquareRoot", isSquare: true)
    let n = batch.n
    let roots = try batch.finiteMatrices(for: "matrixSquareRoot").map { matrix -> [Double] in
        let (values, vectors) = try Decomposition.symmetricEigen(matrix, n: n)
        return recombined(vectors, values.map { $0 > 0 ? $0.squareRoot() : 0 }, n: n)
    }
    let root = try batch.tensor(roots, rows: n, columns: n)
    return Tensor.record("matrixSquareRoot", inputs: [a], output: root, savingOutput: true) {
        [try sylvester($0.outputs[0], $0.cotangent)]
    }
}

/// V diag(values) V^T, column-major.
private func recombined(_ vectors: [Double], _ values: [Double], n: Int) -> [Double] {
    var result = [Double](repeating: 0, count: n * n)
    for k in 0..<n where values[k] != 0 {
        for j in 0..<n {
            let factor = values[k] * vectors[k * n + j]
            for i in 0..<n { result[j * n + i] += factor * vectors[k * n + i] }
        }
    }
    return result
}

/// The symmetric X with R X + X R = G made symmetric, for symmetric positive semi-definite R.
private func sylvester(_ r: Tensor, _ g: Tensor) throws -> Tensor {
    let symmetric = try (g + g.matrixTransposed) * 0.5
    let (factors, given) = (
        try MatrixBatch(r, operation: "matrixSquareRoot", isSquare: true), try MatrixBatch(symmetric, operation: "matrixSquareRoot")
    )
    let n = factors.n
    let solutions = try zip(factors.finiteMatrices(for: "matrixSquareRoot"), given.matrices()).map { matrix, g -> [Double] in
        let (values, v) = try Decomposition.symmetricEigen(matrix, n: n)
        // What rounding makes of a 0.
        let least = (r.dtype == .float64 ? 1e-7 : 1e-6) * Swift.max(values.last ?? 0, 0)
        var turned = turn(g, v, n: n, isBack: false)
        for j in 0..<n {
            for i in 0..<n {
                let sum = values[i] + values[j]
                turned[j * n + i] = sum > least ? turned[j * n + i] / sum : 0
            }
        }
        return turn(turned, v, n: n, isBack: true)
    }
    let x = try factors.tensor(solutions, rows: n, columns: n)
    return Tensor.record("sylvester", inputs: [r, g], output: x, savingOutput: true) { pullback in
        let (x, inner) = (pullback.outputs[0], try sylvester(r, pullback.cotangent))
        let product = try inner.matmul(x)
        return [try -(product + product.matrixTransposed), inner]
    }
}

/// V^T G V, or back V G V^T; column-major.
private func turn(_ g: [Double], _ v: [Double], n: Int, isBack: Bool) -> [Double] {
    func entry(_ i: Int, _ k: Int) -> Double { isBack ? v[k * n + i] : v[i * n + k] }
    var half = [Double](repeating: 0, count: n * n)
    for j in 0..<n { for i in 0..<n { half[j * n + i] = (0..<n).reduce(0) { $0 + entry(i, $1) * g[j * n + $1] } } }
    var result = half
    for j in 0..<n { for i in 0..<n { result[j * n + i] = (0..<n).reduce(0) { $0 + half[$1 * n + i] * entry(j, $1) } } }
    return result
}
