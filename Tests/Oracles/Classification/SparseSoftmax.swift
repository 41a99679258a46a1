import Foundation

extension LossOracle {
    static let entmaxLoss = LossOracle(
        name: "entmaxLoss", tolerance: 5e-6, gradientTolerance: 1e-5,
        cases: ["1.2", "1.75", "2"].map { LossCase(options: ["alpha": $0], reduction: .none) }
    ) { given in sparse(given, alpha: given.number("alpha", 1.5)) }
    static let entmax15Loss = LossOracle(name: "entmax15Loss", tolerance: 5e-6, gradientTolerance: 1e-5) { sparse($0, alpha: 1.5) }
    static let sparsemaxLoss = LossOracle(
        name: "sparsemaxLoss", tolerance: 5e-6, gradientTolerance: 1e-5,
        cases: [LossCase(extents: ["n": 9, "classes": 2], reduction: .none), LossCase(extents: ["n": 2, "classes": 1])]
    ) { sparse($0, alpha: 2) }

    private static func sparse(_ given: Given, alpha: Double) -> [Double] {
        let (z, t) = (given["logits"], given["targets"])
        return (0..<z.rows).map { i in
            let p = entmaxByBisection(z.row(i), alpha: alpha)
            let entropy = (1 - p.reduce(0) { $0 + pow($1, alpha) }) / (alpha * (alpha - 1))
            return zip(p, z.row(i)).reduce(entropy) { $0 + $1.0 * ($1.1 - z[i, Int(t[i])]) }
        }
    }

    /// The alpha-entmax with its threshold found by bisection.
    static func entmaxByBisection(_ z: [Double], alpha: Double) -> [Double] {
        let peak = z.max() ?? 0
        let scaled = z.map { ($0 - peak) * (alpha - 1) }
        func masses(_ tau: Double) -> [Double] { scaled.map { $0 > tau ? pow($0 - tau, 1 / (alpha - 1)) : 0 } }
        var (low, high) = (-1.0, 0.0)
        for _ in 0..<200 {
            let middle = (low + high) / 2
            if masses(middle).reduce(0, +) > 1 { low = middle } else { high = middle }
        }
        return masses((low + high) / 2)
    }
}
