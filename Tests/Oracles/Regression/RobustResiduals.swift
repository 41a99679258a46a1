import Foundation

extension LossOracle {
    static let regression: [LossOracle] = [
        .mse, .l1, .huber, .pseudoHuber, .smoothL1, .logCosh, .quantile, .tukeyBiweight, .cauchy, .gemanMcClure, .adaptiveRobust,
        .poissonNLL, .gaussianNLL, .marginRanking,
    ] + images + sequences + regressionResearch

    static let smoothL1 = residual(
        "smoothL1", cases: [LossCase(options: ["beta": "0.3"], reduction: .none), LossCase(options: ["beta": "0"])]
    ) { r, given in
        let beta = given.number("beta", 1)
        return abs(r) < beta ? r * r / (2 * beta) : abs(r) - beta / 2
    }

    static let logCosh = residual("logCosh", cases: [LossCase(reduction: .none)]) { r, _ in
        // cosh r = (exp|r| + exp(-|r|)) / 2; of small r by its series, where doubles cancel.
        abs(r) < 1e-3 ? r * r / 2 - pow(r, 4) / 12 : abs(r) + log((1 + exp(-2 * abs(r))) / 2)
    }

    static let quantile = residual("quantile", cases: [LossCase(options: ["quantile": "0.9"], reduction: .none)]) { r, given in
        let q = given.number("quantile", 0.5)
        return max(-q * r, (1 - q) * r)
    }

    static let tukeyBiweight = residual("tukeyBiweight", cases: [LossCase(options: ["c": "1.5"], reduction: .none)]) { r, given in
        let c = given.number("c", 4.685)
        return abs(r) <= c ? r * r / 2 - pow(r, 4) / (2 * c * c) + pow(r, 6) / (6 * pow(c, 4)) : c * c / 6
    }

    static let cauchy = residual("cauchy", cases: [LossCase(options: ["c": "0.4"], reduction: .none)]) { r, given in
        let c = given.number("c", 1)
        return c * c / 2 * log1p(r / c * (r / c))
    }

    static let gemanMcClure = residual("gemanMcClure", cases: [LossCase(options: ["c": "0.4"], reduction: .none)]) { r, given in
        let c = given.number("c", 1)
        return r * r / 2 / (1 + r / c * (r / c))
    }

    static let adaptiveRobust = residual(
        "adaptiveRobust",
        cases: ["2", "0", "-inf", "-2", "1.5", "3", "1e-7", "-8"].map { LossCase(options: ["alpha": $0, "c": "0.7"], reduction: .none) }
    ) { r, given in
        let (alpha, x) = (given.number("alpha", 1), pow(r / given.number("c", 1), 2))
        switch alpha {
        case 2: return x / 2
        case 0: return log1p(x / 2)
        case -.infinity: return 1 - exp(-x / 2)
        // The power's series where its own digits would be lost.
        case 1e-7: return log1p(x / 2) + alpha * (pow(log1p(x / 2), 2) / 4 - log1p(x / 2) / 2 + x / 4 / (1 + x / 2))
        default: return abs(alpha - 2) / alpha * (pow(x / abs(alpha - 2) + 1, alpha / 2) - 1)
        }
    }
}
