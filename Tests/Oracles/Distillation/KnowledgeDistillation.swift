import Foundation

extension LossOracle {
    static let knowledgeDistillation = LossOracle(
        name: "knowledgeDistillation", tolerance: 4e-6,
        cases: [LossCase(options: ["temperature": "2", "alpha": "0.9"], withOptional: true, reduction: .none)]
    ) { given in
        let (z, teacher) = (given["logits"], given["teacherLogits"])
        let (temperature, alpha) = (given.number("temperature", 4), given.number("alpha", 0.5))
        return (0..<z.rows).map { i in
            let soft = temperature * temperature * divergence(softened(teacher, i, temperature), softened(z, i, temperature))
            guard let targets = given.inputs["targets"] else { return soft }
            return alpha * soft - (1 - alpha) * log(softmax(z.row(i))[Int(targets[i])])
        }
    }

    static let decoupledDistillation = LossOracle(
        name: "decoupledDistillation", tolerance: 1e-5, gradientTolerance: 2e-5,
        cases: [
            LossCase(options: ["temperature": "2", "alpha": "2", "beta": "0.5"], reduction: .none),
            LossCase(extents: ["n": 3, "classes": 2]),
        ]
    ) { given in
        let (z, teacher, t) = (given["logits"], given["teacherLogits"], given["targets"])
        let temperature = given.number("temperature", 4)
        return (0..<z.rows).map { i in
            let y = Int(t[i])
            let (q, p) = (softened(teacher, i, temperature), softened(z, i, temperature))
            func others(_ p: [Double]) -> [Double] { p.indices.filter { $0 != y }.map { p[$0] / (1 - p[y]) } }
            let target = divergence([q[y], 1 - q[y]], [p[y], 1 - p[y]])
            return temperature * temperature
                * (given.number("alpha", 1) * target + given.number("beta", 8) * divergence(others(q), others(p)))
        }
    }

    static let progressiveSelfDistillation = LossOracle(
        name: "progressiveSelfDistillation", cases: [LossCase(options: ["alpha": "0.3"], reduction: .none)]
    ) { given in
        let (z, t, past) = (given["logits"], given["targets"], given["past"])
        let alpha = given.number("alpha", 0.8)
        return (0..<z.rows).map { i in
            softmax(z.row(i)).enumerated().reduce(0) { sum, p in
                sum - ((1 - alpha) * (Int(t[i]) == p.offset ? 1 : 0) + alpha * past[i, p.offset]) * log(p.element)
            }
        }
    }

    static let squaredErrorLogit = LossOracle(name: "squaredErrorLogit") { given in
        zip(likelihoods(given), given["teacherLogProbabilities"].values).map { pow(log($0) - $1, 2) / 2 }
    }

    static let partialSoftLabel = LossOracle(name: "partialSoftLabel") { given in
        zip(likelihoods(given), given["teacherLogProbabilities"].values).map { -exp($1) * log($0) }
    }

    static let binaryKLDistillation = LossOracle(
        name: "binaryKLDistillation", tolerance: 4e-6,
        cases: [
            LossCase(options: ["temperature": "0.5"], reduction: .none), LossCase(options: ["isNormalized": "false"], reduction: .none),
        ]
    ) { given in
        let (s, t) = (given["logits"], given["teacherLogits"])
        let temperature = given.number("temperature", 2)
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        return (0..<s.rows).map { i in
            (0..<s.columns).reduce(0.0) { sum, k in
                let isRaw = given.word("isNormalized", "true") == "false"
                let q = isRaw ? sigmoid(t[i, k] / temperature) : 0.5
                let p = isRaw ? sigmoid(s[i, k] / temperature) : sigmoid((s[i, k] - t[i, k]) / temperature)
                return sum + temperature * temperature * divergence([q, 1 - q], [p, 1 - p])
            }
        }
    }

    static let kernelAlignment = LossOracle(name: "kernelAlignment", gradientTolerance: 1e-5, cases: [LossCase(reduction: .none)]) {
        given in
        let (a, b) = (given["source"], given["target"])
        let (steps, rows) = (a.shape[0], a.shape[1])
        /// The centred kernel of a step's rows.
        func kernel(_ x: Matrix, _ step: Int) -> [[Double]] {
            let features = (0..<rows).map { x.row(step * rows + $0) }
            let k = features.map { p in features.map { q in zip(p, q).reduce(0) { $0 + $1.0 * $1.1 } } }
            let means = k.map { $0.reduce(0, +) / Double(rows) }
            let all = means.reduce(0, +) / Double(rows)
            return (0..<rows).map { i in (0..<rows).map { j in k[i][j] - means[i] - means[j] + all } }
        }
        func product(_ x: [[Double]], _ y: [[Double]]) -> Double { zip(x.joined(), y.joined()).reduce(0) { $0 + $1.0 * $1.1 } }
        let c = given.inputs["coefficients"]?.values ?? [Double](repeating: 0, count: steps)
        return (0..<steps).map { t in
            let (k, g) = (kernel(a, t), kernel(b, t))
            return (1 - abs(product(k, g) / (sqrt(product(k, k)) * sqrt(product(g, g)) + 1e-7))) / (1 + exp(-c[t]))
        }
    }

    static let landmarkDistillation = holding(
        "landmarkDistillation",
        cases: [
            LossCase(options: ["mainWeight": "0.5", "toughWeight": "2", "tolerantWeight": "0.3"], extents: ["n": 20], reduction: .none)
        ]
    ) { given, unmoved in
        let (x, held, g) = (given["predictions"].values, unmoved["predictions"].values, given["targets"].values)
        func sign(_ x: Double) -> Double { x > 0 ? 1 : x < 0 ? -1 : 0 }
        return x.indices.map { i in
            let s = sign(held[i] - g[i])
            func assistance(_ teacher: Double, _ beyond: Double, _ between: Double) -> Double {
                let whole = g[i] + s * abs(teacher - g[i])
                let part = g[i] + 0.15 * s * abs(teacher - g[i])
                var weight = 0.0
                if sign(held[i] - whole) * sign(whole - g[i]) > 0 { weight += beyond }
                if sign(whole - held[i]) * sign(held[i] - part) >= 0 { weight += between }
                return weight * abs(whole - x[i])
            }
            let (e, d) = (abs(g[i] - x[i]), abs(g[i] - given["tolerant"][i]))
            return given.number("mainWeight", 1) * (e <= d ? 3 * e : e * e + 3 * d - d * d) + given.number("toughWeight", 1)
                * assistance(given["tough"][i], 1.9, -0.45) + given.number("tolerantWeight", 1)
                * assistance(given["tolerant"][i], 1.8, -0.4)
        }
    }

    /// KL(q | p).
    static func divergence(_ q: [Double], _ p: [Double]) -> Double { zip(q, p).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) } }

    private static func softened(_ z: Matrix, _ i: Int, _ temperature: Double) -> [Double] { softmax(z.row(i).map { $0 / temperature }) }
}
