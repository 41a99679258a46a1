import Foundation

extension LossOracle {
    /// sum_ij p_i q_j k(|x_i - y_j|), over pairs of different indices only where `isApart`.
    private static func mean(
        _ x: Matrix, _ p: [Double], _ y: Matrix, _ q: [Double], isApart: Bool = false, _ kernel: (Double) -> Double
    ) -> Double {
        var total = 0.0
        for i in 0..<x.rows {
            for j in 0..<y.rows where !(isApart && i == j) { total += p[i] * q[j] * kernel(distance(x.row(i), y.row(j))) }
        }
        return total
    }

    private static func discrepancy(_ given: Given, isUnbiased: Bool = false, _ kernel: (Double) -> Double) -> [Double] {
        let (x, y) = (given["x"], given["y"])
        let a = given.inputs["a"]?.values ?? [Double](repeating: 1 / Double(x.rows), count: x.rows)
        let b = given.inputs["b"]?.values ?? [Double](repeating: 1 / Double(y.rows), count: y.rows)
        func within(_ x: Matrix, _ p: [Double]) -> Double {
            mean(x, p, x, p, isApart: isUnbiased, kernel) / (isUnbiased ? 1 - p.reduce(0) { $0 + $1 * $1 } : 1)
        }
        return [within(x, a) + within(y, b) - 2 * mean(x, a, y, b, kernel)]
    }

    static let gaussianMMD = LossOracle(
        name: "gaussianMMD", noise: 4e-14, allowsEmpty: false,
        cases: [
            LossCase(options: ["bandwidths": "0.5,1,2"], extents: ["d": 40]),
            LossCase(options: ["isUnbiased": "true"], withOptional: true),
        ]
    ) { given in
        let bandwidths = given.numbers("bandwidths", [1])
        return discrepancy(given, isUnbiased: given.flag("isUnbiased")) { r in
            bandwidths.reduce(0) { $0 + exp(-r * r / (2 * $1 * $1)) } / Double(bandwidths.count)
        }
    }

    static let energyDistance = LossOracle(name: "energyDistance", isFiniteEverywhere: false, allowsEmpty: false) {
        discrepancy($0) { -$0 }
    }

    static let hsic = LossOracle(
        name: "hsic", sizes: [2, 3, 17], allowsEmpty: false, cases: [LossCase(options: ["bandwidth": "0.6", "otherBandwidth": "1.7"])]
    ) { given in
        func centred(_ points: Matrix, _ bandwidth: Double) -> [[Double]] {
            let n = points.rows
            let kernel = (0..<n).map { i in
                (0..<n).map { exp(-pow(distance(points.row(i), points.row($0)), 2) / (2 * bandwidth * bandwidth)) }
            }
            let means = kernel.map { $0.reduce(0, +) / Double(n) }
            let mean = means.reduce(0, +) / Double(n)
            return (0..<n).map { i in (0..<n).map { kernel[i][$0] - means[i] - means[$0] + mean } }
        }
        let (k, l) = (centred(given["x"], given.number("bandwidth", 1)), centred(given["y"], given.number("otherBandwidth", 1)))
        let trace = zip(k, l).reduce(0) { $0 + zip($1.0, $1.1).reduce(0) { $0 + $1.0 * $1.1 } }
        return [trace / pow(Double(k.count) - 1, 2)]
    }
}
