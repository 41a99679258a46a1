import Foundation

extension LossOracle {
    static let rejection = LossOracle(
        name: "rejection", tolerance: 4e-6, gradientTolerance: 1e-5,
        cases: [LossCase(options: ["cost": "0.3", "alpha": "2", "beta": "1.5"], reduction: .none)]
    ) { given in
        let (alpha, cost) = (given.number("alpha", 4), given.number("cost", 0.2))
        let calibrated = alpha / (2 * cost) * (cost * exp(alpha / 2) + (1 - cost) * exp(-alpha / 2))
        return zip(given["scores"].values, given["acceptable"].values).map { r, a in
            exp(alpha / 2 * (r - a)) + cost * exp(-given.number("beta", calibrated) * r)
        }
    }

    static let correctnessAware = LossOracle(
        name: "correctnessAware", cases: [LossCase(options: ["isBalanced": "true"], extents: ["n": 40, "classes": 3])],
        divisor: { given in
            let weight = correctness(given).reduce(0) { $0 + $1.weight }
            return weight > 0 ? weight : 1
        }
    ) { given in
        let (z, temperature) = (given["logits"], given["temperatures"])
        return correctness(given).enumerated().map { i, row in
            let confidence = softmax(z.row(i).map { $0 / temperature[i] }).max() ?? 0
            return row.weight * pow(confidence - (row.isRight ? 1 : 0), 2)
        }
    }

    private static func correctness(_ given: Given) -> [(isRight: Bool, weight: Double)] {
        let (z, t) = (given["logits"], given["targets"])
        let right = (0..<z.rows).map { i in z.row(i).max() == z[i, Int(t[i])] }
        let accuracy = Double(right.filter { $0 }.count) / Double(max(1, right.count))
        return right.map { ($0, given.flag("isBalanced") ? ($0 ? 1 - accuracy : accuracy) : 1) }
    }

    static let entropyMaximization = LossOracle(
        name: "entropyMaximization",
        prepare: { inputs in
            guard var labels = inputs["labels"] else { return }
            for i in labels.values.indices where i % 3 != 0 { labels[i] = i % 3 == 1 ? 1 : 0 }
            inputs["labels"] = labels
        },
        cases: [LossCase(options: ["alpha": "0.5", "beta": "0.9"], reduction: .none)]
    ) { given in
        zip(given["logits"].values, given["labels"].values).map { z, s in
            let p = 1 / (1 + exp(-z))
            if s > 0 { return -log(p) }
            if s == 0 { return given.number("alpha", 0.2) * (p * log(p) + (1 - p) * log(1 - p)) }
            return given.number("beta", 0.02) * (s * log(p) - (1 + s) * log(1 - p))
        }
    }

    static let directCoverage = LossOracle(
        name: "directCoverage", tolerance: 4e-6,
        cases: [
            LossCase(options: ["samples": "1"]), LossCase(options: ["samples": "64"], extents: ["t": 1, "classes": 3], reduction: .none),
            LossCase(extents: ["t": 1, "classes": 2], reduction: .none),
        ]
    ) { given in
        let (z, y) = (given["logits"], given["targets"])
        return (0..<z.shape[0]).map { b in
            let p = (0..<z.shape[1]).reduce(1.0) { $0 * softmax(z.row(b * z.shape[1] + $1))[Int(y[b, $1])] }
            // 1 - (1 - p)^N without its cancellation.
            return -log(p * (0..<Int(given.number("samples", 4))).reduce(0) { $0 + pow(1 - p, Double($1)) })
        }
    }

    static let taylorVariationalPU = LossOracle(
        name: "taylorVariationalPU", cases: [LossCase(options: ["order": "5"], withOptional: true), LossCase(options: ["order": "1"])]
    ) { given in
        let (z, labels) = (given["logits"], given["labels"])
        let f = z.values.map { 1 / (1 + exp(-$0)) }
        let positive = f.indices.filter { labels[$0] == 1 }
        let rest = f.indices.filter { labels[$0] == 0 }
        let m = rest.reduce(0.0) { $0 + f[$1] } / Double(rest.count)
        var loss = positive.isEmpty ? 0 : -positive.reduce(0.0) { $0 + log(f[$1]) } / Double(positive.count)
        if !rest.isEmpty { loss -= (1...Int(given.number("order", 2))).reduce(0.0) { $0 + pow(1 - m, Double($1)) / Double($1) } }
        guard let teacher = given.inputs["teacherLogits"]?.values else { return [loss] }
        let divergence = zip(f, teacher).reduce(0.0) { sum, pair in
            let (q, p) = (1 / (1 + exp(-pair.1)), pair.0)
            return sum + (q - p) * log(q / p) + (p - q) * log((1 - q) / (1 - p))
        }
        return [loss + 0.2 * divergence / Double(z.rows * z.columns)]
    }

    static let anyLoss = LossOracle(
        name: "anyLoss", tolerance: 4e-6, gradientTolerance: 4e-5,
        cases: ["fBeta", "geometricMean", "balancedAccuracy"].map { LossCase(options: ["metric": $0, "beta": "2", "steepness": "20"]) }
    ) { given in
        let t = given["targets"].values
        let h = given["probabilities"].values.map { 1 / (1 + exp(-given.number("steepness", 73) * ($0 - 0.5))) }
        let (tp, tn) = zip(t, h).reduce((0.0, 0.0)) { ($0.0 + $1.0 * $1.1, $0.1 + (1 - $1.0) * (1 - $1.1)) }
        let p = t.reduce(0, +)
        let q = Double(t.count) - p
        guard !t.isEmpty else { return [0] }
        switch given.word("metric", "accuracy") {
        case "fBeta":
            let beta = given.number("beta", 1)
            return [1 - (1 + beta * beta) * tp / (beta * beta * p + h.reduce(0, +))]
        case "geometricMean": return [1 - sqrt(tp * tn / (p * q))]
        case "balancedAccuracy": return [1 - (tp / p + tn / q) / 2]
        default: return [1 - (tp + tn) / Double(t.count)]
        }
    }

    static let reweighted = holding(
        "reweighted",
        cases: ["linearUpper", "quadratic", "extremes"].map {
            LossCase(options: ["transform": $0, "temperature": "0.4", "strength": "1.3"])
        }
    ) { given, unmoved in
        let l = unmoved["losses"].values
        let (low, high) = (l.min() ?? 0, l.max() ?? 0)
        let strength = given.number("strength", 1)
        let preferences = l.map { value in
            let h = 2 * (value - low) / (high - low + 1e-8) - 1
            switch given.word("transform", "linear") {
            case "linearUpper": return min(h, strength - 1)
            case "quadratic": return strength * (1 - h * h)
            case "extremes": return strength * abs(h)
            default: return h
            }
        }
        let weights = softmax(preferences.map { $0 / given.number("temperature", 1) })
        return [zip(weights, given["losses"].values).reduce(0) { $0 + $1.0 * $1.1 }]
    }

    static let ensLoss = holding("ensLoss", cases: [LossCase(options: ["lambda": "0.5"], reduction: .none)]) { given, unmoved in
        func margins(_ given: Given) -> [Double] { zip(given["logits"].values, given["targets"].values).map { $0 * (2 * $1 - 1) } }
        let lambda = given.number("lambda", 0)
        let slopes = given["noise"].values.map { z in
            max(-1, -(lambda == 0 ? exp(z) : pow(max(1 + lambda * z, 0), 1 / lambda)))
        }.sorted()
        let fixed = margins(unmoved)
        var g = fixed
        for (rank, row) in fixed.indices.sorted(by: { (fixed[$0], $0) < (fixed[$1], $1) }).enumerated() {
            g[row] = slopes[rank] / max(1, fixed[row]) - 1e-6
        }
        return zip(g, margins(given)).map { $0 * $1 }
    }

    static let earlyLearning = LossOracle(name: "earlyLearning", cases: [LossCase(options: ["weight": "7"], reduction: .none)]) { given in
        let (z, t, averages) = (given["logits"], given["targets"], given["averages"])
        return (0..<z.rows).map { i in
            let p = softmax(z.row(i))
            let agreement = p.indices.reduce(0) { $0 + averages[i, $1] * p[$1] }
            return -log(p[Int(t[i])]) + given.number("weight", 3) * log(1 - agreement)
        }
    }

    static let numberToken = LossOracle(
        name: "numberToken", prepare: withoutNumbers,
        cases: [LossCase(options: ["form": "meanSquared"]), LossCase(options: ["ignoreIndex": "0"], extents: ["n": 40])]
    ) { given in
        let (z, t, v) = (given["logits"], given["targets"], given["values"])
        let tokens = v.values.indices.filter { !v[$0].isNaN }
        let terms = (0..<z.rows).filter { !v[Int(t[$0])].isNaN }.map { i in
            let p = softmax(tokens.map { z[i, $0] })
            let y = v[Int(t[i])]
            return given.word("form", "") == "meanSquared"
                ? pow(y - zip(p, tokens).reduce(0) { $0 + $1.0 * v[$1.1] }, 2) : zip(p, tokens).reduce(0) { $0 + $1.0 * abs(y - v[$1.1]) }
        }
        return [terms.isEmpty ? 0 : terms.reduce(0, +) / Double(terms.count)]
    }

    static let numberTokenDistribution = LossOracle(
        name: "numberTokenDistribution", prepare: withoutNumbers, cases: [LossCase(extents: ["n": 3, "classes": 6], reduction: .none)]
    ) { given in
        let (z, t, v) = (given["logits"], given["targets"], given["values"])
        let tokens = v.values.indices.filter { !v[$0].isNaN }.sorted { v[$0] < v[$1] }
        return (0..<z.rows).map { i in
            let p = softmax(tokens.map { z[i, $0] })
            let total = tokens.reduce(0) { $0 + t[i, $1] }
            var (gap, distance) = (0.0, 0.0)
            for j in tokens.indices.dropLast() {
                gap += p[j] - t[i, tokens[j]] / total
                distance += abs(gap) * (v[tokens[j + 1]] - v[tokens[j]])
            }
            return distance
        }
    }

    /// Every third token is no number.
    private static let withoutNumbers: @Sendable (inout [String: Matrix]) -> Void = { inputs in
        guard var values = inputs["values"] else { return }
        for i in values.values.indices where i % 3 == 2 { values[i] = .nan }
        inputs["values"] = values
    }
}
