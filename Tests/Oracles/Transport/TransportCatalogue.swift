import Foundation

/// Eigenvalues, and eigenvectors by columns, of a symmetric matrix by Jacobi's rotations.
func symmetricEigen(_ given: Matrix) -> (values: [Double], vectors: Matrix) {
    let n = given.columns
    var a = given
    var v = Matrix(rows: n, columns: n, values: (0..<n * n).map { $0 / n == $0 % n ? 1 : 0 })
    for _ in 0..<60 {
        for p in 0..<n {
            for q in p + 1..<max(n, p + 1) where a[p, q] != 0 {
                let angle = 0.5 * atan2(2 * a[p, q], a[q, q] - a[p, p])
                let (c, s) = (cos(angle), sin(angle))
                for k in 0..<n { (a[k, p], a[k, q]) = (c * a[k, p] - s * a[k, q], s * a[k, p] + c * a[k, q]) }
                for k in 0..<n { (a[p, k], a[q, k]) = (c * a[p, k] - s * a[q, k], s * a[p, k] + c * a[q, k]) }
                for k in 0..<n { (v[k, p], v[k, q]) = (c * v[k, p] - s * v[k, q], s * v[k, p] + c * v[k, q]) }
            }
        }
    }
    return ((0..<n).map { a[$0, $0] }, v)
}

/// V f(w) V^T.
func spectral(_ matrix: Matrix, _ f: (Double) -> Double) -> Matrix {
    let (w, v) = symmetricEigen(matrix)
    let n = matrix.columns
    return Matrix(
        rows: n, columns: n,
        values: (0..<n * n).map { place in (0..<n).reduce(0.0) { $0 + v[place / n, $1] * f(w[$1]) * v[place % n, $1] } })
}

private func times(_ a: Matrix, _ b: Matrix) -> Matrix {
    let n = a.columns
    return Matrix(
        rows: n, columns: n, values: (0..<n * n).map { place in (0..<n).reduce(0.0) { $0 + a[place / n, $1] * b[$1, place % n] } })
}

/// Labels by the scaling of Zhang et al. in plain numbers.
func partialLabels(
    _ logits: Matrix, fraction: Double, epsilon: Double, gamma: Double, similarities: Matrix?, weight: Double
) -> [Double] {
    let (n, k) = (logits.rows, logits.columns)
    let costs = (0..<n).map { i in softmax(logits.row(i)).map { -log($0) } }
    func plan(_ costs: [[Double]]) -> [Double] {
        let kernel = costs.map { $0.map { exp(-$0 / epsilon) } + [1] }
        let targets = [Double](repeating: fraction / Double(k), count: k) + [1 - fraction]
        var b = [Double](repeating: 1 / Double(k + 1), count: k + 1)
        var a = [Double](repeating: 0, count: n)
        for _ in 0..<3000 {
            let before = b
            a = kernel.map { row in 1 / Double(n) / zip(row, b).reduce(0) { $0 + $1.0 * $1.1 } }
            b = (0...k).map { j in
                let ratio = targets[j] / (0..<n).reduce(0) { $0 + kernel[$1][j] * a[$1] }
                return j < k ? pow(ratio, gamma / (gamma + epsilon)) : ratio
            }
            if zip(b, before).allSatisfy({ abs($0 - $1) <= 1e-15 * abs($0) }) { break }
        }
        a = kernel.map { row in 1 / Double(n) / zip(row, b).reduce(0) { $0 + $1.0 * $1.1 } }
        return (0..<n * k).map { a[$0 / k] * kernel[$0 / k][$0 % k] * b[$0 % k] }
    }
    guard let similarities, weight > 0 else { return plan(costs).map { $0 * Double(n) } }
    var q = [Double](repeating: fraction / Double(n * k), count: n * k)
    for _ in 0..<100 {
        q = plan(
            (0..<n).map { i in
                (0..<k).map { c in
                    costs[i][c] - weight * (0..<n).reduce(0) { $0 + (similarities[i, $1] + similarities[$1, i]) * q[$1 * k + c] }
                }
            })
    }
    return q.map { $0 * Double(n) }
}

extension LossOracle {
    static let buresWasserstein = LossOracle(
        name: "buresWasserstein", tolerance: 5e-6, gradientTolerance: 2e-5,
        prepare: { inputs in
            for name in ["covariances", "targets"] {
                guard var matrices = inputs[name] else { continue }
                let n = matrices.columns
                for start in stride(from: 0, to: matrices.values.count, by: n * n) {
                    let root = Array(matrices.values[start..<start + n * n])
                    for place in 0..<n * n {
                        let (i, j) = (place / n, place % n)
                        let product = (0..<n).reduce(0.0) { $0 + root[i * n + $1] * root[j * n + $1] }
                        matrices.values[start + place] = Double(Float(0.5 * product + (i == j ? 0.3 : 0)))
                    }
                }
                inputs[name] = matrices
            }
        }, cases: [LossCase(options: ["smoothing": "0.2"])]
    ) { given in
        let n = given["targets"].columns
        func symmetric(_ name: String, _ entry: Int) -> Matrix {
            let values = Array(given[name].values[entry * n * n..<(entry + 1) * n * n])
            return Matrix(rows: n, columns: n, values: (0..<n * n).map { (values[$0] + values[$0 % n * n + $0 / n]) / 2 })
        }
        return (0..<given["targets"].values.count / (n * n)).map { entry in
            var s = symmetric("covariances", entry)
            let t = symmetric("targets", entry)
            for i in 0..<n { s[i, i] += given.number("smoothing", 0) }
            let root = spectral(t) { max($0, 0).squareRoot() }
            let overlap = symmetricEigen(times(times(root, s), root)).values.reduce(0) { $0 + max($1, 0).squareRoot() }
            let traces = (0..<n).reduce(0.0) { $0 + s[$1, $1] + t[$1, $1] }
            return traces - 2 * overlap
        }
    }

    static let mongeGap = LossOracle(
        name: "mongeGap", tolerance: 2e-5, gradientTolerance: 2e-4, step: 1e-4, noise: 1e-14, sampledElements: 3,
        settings: ["tolerance": "1e-6", "maximumIterations": "4000"], options: ["epsilon": "0.7"], sizes: [1, 2, 9], allowsEmpty: false,
        isTwiceDifferentiable: false, cases: [LossCase(options: ["epsilon": "0.5", "power": "1"])]
    ) { given in
        let (x, y, epsilon, power) = (given["points"], given["images"], given.number("epsilon", 0.05), Int(given.number("power", 2)))
        let n = Double(x.rows)
        let weights = [Double](repeating: 1 / n, count: x.rows)
        let costs = (0..<x.rows).map { i in power == 1 ? distance(x.row(i), y.row(i)) : pow(distance(x.row(i), y.row(i)), 2) / 2 }
        let plan = entropicTransport(x, y, weights, weights, epsilon: epsilon, power: power)
        return [costs.reduce(0, +) / n - plan + 2 * epsilon * log(n)]
    }

    static let partialAssignment = LossOracle.holding(
        "partialAssignment",
        cases: [
            LossCase(options: ["fraction": "1", "epsilon": "0.3"]),
            LossCase(options: ["similarityWeight": "0.4", "epsilon": "0.3", "fraction": "0.7"], withOptional: true),
        ]
    ) { moved, unmoved in
        let z = moved["logits"]
        let view = unmoved.inputs["view"] ?? unmoved["logits"]
        let labels = partialLabels(
            view, fraction: unmoved.number("fraction", 0.5), epsilon: unmoved.number("epsilon", 0.1), gamma: unmoved.number("gamma", 1),
            similarities: unmoved.inputs["similarities"], weight: unmoved.number("similarityWeight", 0))
        return (0..<z.rows).map { i in
            let p = softmax(z.row(i))
            return (0..<z.columns).reduce(0) { $0 - labels[i * z.columns + $1] * log(p[$1]) }
        }
    }
}
