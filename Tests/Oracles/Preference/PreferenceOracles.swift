import Foundation

extension LossOracle {
    static let preference: [LossOracle] = [
        .directPreference, .robustDirectPreference, .fastSlowPreference, .negativePreference, .selfImprovingPreference, .semanticPreference,
        .tokenUnlikelihood,
    ]

    static let directPreference = LossOracle(
        name: "directPreference", cases: [LossCase(options: ["beta": "0.7", "labelSmoothing": "0.2"], reduction: .none)]
    ) { given in
        let smoothing = given.number("labelSmoothing", 0)
        return gains(given, "reference").map { -(1 - smoothing) * log(sigmoid($0)) - smoothing * log(sigmoid(-$0)) }
    }

    static let robustDirectPreference = LossOracle(
        name: "robustDirectPreference", cases: [LossCase(options: ["beta": "0.7", "flipRate": "0.3"], reduction: .none)]
    ) { given in
        let flips = given.number("flipRate", 0.1)
        return gains(given, "reference").map { (-(1 - flips) * log(sigmoid($0)) + flips * log(sigmoid(-$0))) / (1 - 2 * flips) }
    }

    static let fastSlowPreference = LossOracle(
        name: "fastSlowPreference", cases: [LossCase(options: ["beta": "0.7", "chasing": "0.3"], reduction: .none)]
    ) { given in
        zip(gains(given, "reference"), gains(given, "slow")).map { -log(sigmoid($0)) - given.number("chasing", 1) * log(sigmoid($1)) }
    }

    static let negativePreference = LossOracle(
        name: "negativePreference", tolerance: 4e-6, cases: [LossCase(options: ["beta": "2"], reduction: .none)]
    ) { given in
        let beta = given.number("beta", 0.1)
        return zip(given["logProbabilities"].values, given["reference"].values).map { 2 / beta * log(1 + pow(exp($0) / exp($1), beta)) }
    }

    static let selfImprovingPreference = LossOracle(
        name: "selfImprovingPreference",
        cases: [LossCase(options: ["beta": "0.6", "alpha": "0.3", "probability": "0.8"], reduction: .none)]
    ) { given in
        let (beta, alpha, p) = (given.number("beta", 0.1), given.number("alpha", 0.5), given.number("probability", 1))
        return given["chosen"].values.indices.map { i in
            let (wl, lw) = (given["chosenGivenRejected"][i], given["rejectedGivenChosen"][i])
            let robust = pow(p - 0.5 - beta / 2 * (wl - lw + given["chosen"][i] - given["rejected"][i]), 2)
            let up = pow(p - 0.5 - beta * (wl - given["rejectedGivenRejected"][i]), 2)
            let down = pow(1 - p - 0.5 - beta * (lw - given["chosenGivenChosen"][i]), 2)
            return (1 - alpha) * (up + down) / 2 + alpha * robust
        }
    }

    // By enumeration of the four worlds in which either sequence holds or not.
    static let semanticPreference = LossOracle(
        name: "semanticPreference", tolerance: 4e-6,
        cases: ["crossEntropy", "unlikelihood", "oddsRatio", "implication"].map {
            LossCase(options: ["form": $0, "beta": "0.8"], withOptional: $0 == "oddsRatio", reduction: .none)
        }
    ) { given in
        given["chosen"].values.indices.map { i in
            var (w, l) = (exp(given["chosen"][i]), exp(given["rejected"][i]))
            if let rw = given.inputs["referenceChosen"], let rl = given.inputs["referenceRejected"] {
                (w, l) = (w * exp(rl[i]), l * exp(rw[i]))
            }
            func mass(_ holds: (Bool, Bool) -> Bool) -> Double {
                var sum = 0.0
                for a in [true, false] {
                    for b in [true, false] where holds(a, b) { sum += (a ? w : 1 - w) * (b ? l : 1 - l) }
                }
                return sum
            }
            let rho: Double
            switch given.word("form", "contrastive") {
            case "crossEntropy": rho = log(mass { a, _ in a } / mass { a, _ in !a })
            case "unlikelihood": rho = log(mass { $0 && !$1 } / mass { !($0 && !$1) })
            case "oddsRatio": rho = log(mass { $0 && !$1 } / mass { !$0 && $1 })
            case "implication": rho = log(mass { $0 || !$1 } / mass { !$0 && $1 })
            default: rho = log(w / l)
            }
            return -log(sigmoid(given.number("beta", 1) * rho))
        }
    }

    static let tokenUnlikelihood = LossOracle(
        name: "tokenUnlikelihood", tolerance: 4e-6,
        cases: [LossCase(options: ["isSelective": "true"], reduction: .none)]
    ) { given in
        let (z, w) = (given["logits"], given["weights"])
        let (rows, time) = (z.shape[0], z.shape[1])
        return (0..<rows).map { n in
            (0..<time).reduce(0.0) { sum, t in
                if let mask = given.inputs["mask"], mask[n, t] == 0 { return sum }
                let p = softmax(z.row(n * time + t))
                return p.indices.filter { !given.flag("isSelective") || p[$0] == p.max() }.reduce(sum) { $0 - w[n, $1] * log(1 - p[$1]) }
            }
        }
    }

    static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    private static func gains(_ given: Given, _ reference: String) -> [Double] {
        given["chosen"].values.indices.map { i in
            let chosen = given["chosen"][i] - given["\(reference)Chosen"][i]
            return given.number("beta", 0.1) * (chosen - (given["rejected"][i] - given["\(reference)Rejected"][i]))
        }
    }
}
