import Foundation

extension LossOracle {
    static let hardContrastive = LossOracle(
        name: "hardContrastive", tolerance: 4e-6, gradientTolerance: 2e-5,
        cases: [LossCase(options: ["fraction": "1", "temperature": "0.5"]), LossCase(options: ["fraction": "0.6"], reduction: .none)]
    ) { given in
        let (x, y, t) = (given["first"].lines(), given["second"].lines(), given.number("temperature", 0.07))
        return x.indices.map { i in
            let own = cosine(x[i], y[i]) / t
            let others = y.indices.filter { $0 != i }.map { cosine(x[i], y[$0]) / t }.sorted(by: >)
            let kept = Int((Double(others.count) * given.number("fraction", 0.25)).rounded(.up))
            return logSumExp([own] + others.prefix(kept)) - own
        }
    }

    static let robustGlobalContrastive = LossOracle(
        name: "robustGlobalContrastive", tolerance: 4e-6, gradientTolerance: 2e-5, sizes: [2, 17],
        cases: [LossCase(options: ["rho": "2"], reduction: .none)]
    ) { given in
        let (x, y, t) = (given["first"].lines(), given["second"].lines(), given["temperatures"])
        return x.indices.map { i in
            let gaps = y.indices.filter { $0 != i }.map { cosine(x[i], y[$0]) - cosine(x[i], y[i]) }
            return t[i] * (logSumExp(gaps.map { $0 / t[i] }) - log(Double(gaps.count))) + given.number("rho", 0.3) * t[i]
        }
    }

    static let multiHeadContrastive = LossOracle(
        name: "multiHeadContrastive", tolerance: 4e-6, gradientTolerance: 2e-5, sizes: [2, 17],
        cases: [
            LossCase(options: ["isSoft": "true"], reduction: .none),
            LossCase(options: ["beta": "0.7", "dimension": "5"], extents: ["e": 1]),
        ]
    ) { given in
        let (x, own, others) = (given["first"], given["positiveTemperatures"], given["negativeTemperatures"])
        let (heads, n) = (x.shape[0], x.shape[1])
        func prior(_ t: Double) -> Double { given.number("dimension", Double(x.columns)) / 2 * log(t) + 1 / t }
        return (0..<n).map { i in
            (0..<heads).reduce(0) { sum, c in
                let (a, b) = (x.lines(c, of: n), given["second"].lines(c, of: n))
                let t = own[c, i]
                let positive = cosine(a[i], b[i]) / t
                let negatives = (0..<n).filter { $0 != i }.map { j -> (value: Double, t: Double) in
                    let t = others.values[(c * n + i) * n + j]
                    return (cosine(a[i], b[j]) / t, t)
                }
                let hardest = negatives.max { $0.value < $1.value } ?? (0, 1)
                let far = given.flag("isSoft") ? logSumExp([positive] + negatives.map(\.value)) : hardest.value
                return sum + far - positive + given.number("beta", 0.1) * (prior(t) - prior(hardest.t))
            }
        }
    }

    static let metaContrastive = LossOracle(
        name: "metaContrastive", tolerance: 4e-6, gradientTolerance: 2e-5, sizes: [2, 17], allowsEmpty: false,
        cases: [LossCase(options: ["temperature": "0.5", "regularization": "3"])]
    ) { given in
        let z = given["first"].lines() + given["second"].lines()
        let n = z.count / 2
        var (contrast, above, below) = (0.0, 0.0, 0.0)
        for i in z.indices {
            let partner = (i + n) % (2 * n)
            let own = product(z[i], z[partner]) / given.number("temperature", 1)
            let others = z.indices.filter { $0 != i && $0 != partner }.map { product(z[i], z[$0]) / given.number("temperature", 1) }
            let hardest = others.max() ?? 0
            contrast += (logSumExp([own] + others) - own) / Double(2 * n)
            above += max(0, own - min(own, hardest)) / Double(2 * n)
            below += others.reduce(0) { $0 + max(0, max(own, hardest) - $1) } / Double(2 * n * others.count)
        }
        return [contrast + given.number("regularization", 0.1) * (above + below)]
    }

    static let clusterContrastive = LossOracle(
        name: "clusterContrastive", tolerance: 4e-6, gradientTolerance: 4e-5, extents: ["e": 12], sizes: [2, 5, 17], allowsEmpty: false,
        cases: [LossCase(options: ["tau": "2"], extents: ["m": 3, "e": 60])]
    ) { given in
        let (z, q, tau) = (given["embeddings"].lines(), given["assignments"].lines(), given.number("tau", 1))
        var reached = [Double](repeating: 0, count: z.count)
        for e in given["sources"].values.indices {
            let (i, j) = (Int(given["sources"][e]), Int(given["targets"][e]))
            reached[i] += given["weights"][e] * (i == j ? 1 : exp(tau * cosine(z[i], z[j])))
        }
        let own = q.map { row in row.indices.max { row[$0] < row[$1] } ?? 0 }
        let centres = Set(own).sorted().map { k in
            own.indices.filter { own[$0] == k }.reduce([Double](repeating: 0, count: z[0].count)) { zip($0, z[$1]).map { $0 + $1 } }
        }
        let repulsion = centres.indices.map { a in
            log(1e-10 + centres.indices.reduce(0) { $0 + ($1 == a ? 1 : exp(tau * cosine(centres[a], centres[$1]))) })
        }
        return [mean(repulsion) - mean(reached.map { log($0 + 1e-10) })]
    }

    static let groupOrdering = LossOracle(
        name: "groupOrdering", tolerance: 4e-6, gradientTolerance: 2e-5,
        cases: [
            LossCase(options: ["hardest": "2", "steepness": "4"], reduction: .none), LossCase(extents: ["d": 1, "m": 1]),
            LossCase(options: ["hardest": "3"], extents: ["d": 2, "m": 6]),
        ]
    ) { given in
        let (positives, negatives) = (given["positives"], given["negatives"])
        return (0..<positives.rows).map { b in
            let worst = Array(negatives.row(b).sorted().suffix(Int(given.number("hardest", 10))))
            var x = worst + positives.row(b).sorted()
            let (k, n) = (worst.count, worst.count + positives.columns)
            var p = (0..<n).map { i in (0..<n).map { i == $0 ? 1.0 : 0 } }
            for layer in 0..<n {
                for a in stride(from: layer % 2, to: n - 1, by: 2) {
                    let alpha = atan(given.number("steepness", 1) * (x[a + 1] - x[a])) / .pi + 0.5
                    (x[a], x[a + 1]) = (alpha * x[a] + (1 - alpha) * x[a + 1], (1 - alpha) * x[a] + alpha * x[a + 1])
                    for i in 0..<n {
                        (p[i][a], p[i][a + 1]) = (
                            alpha * p[i][a] + (1 - alpha) * p[i][a + 1], (1 - alpha) * p[i][a] + alpha * p[i][a + 1]
                        )
                    }
                }
            }
            let terms = (0..<n).map { i -> Double in
                let low = min(1, max(0, p[i][..<k].reduce(0, +)))
                let high = min(1, max(0, p[i][k...].reduce(0, +)))
                func logarithm(_ x: Double) -> Double { max(-100, log(x)) }
                return i < k ? -logarithm(low) - logarithm(1 - high) : -logarithm(high) - logarithm(1 - low)
            }
            return mean(terms) / 2
        }
    }
}
