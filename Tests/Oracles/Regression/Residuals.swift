import Foundation

extension LossOracle {
    static let mse = residual("mse") { r, _ in r * r }
    static let l1 = residual("l1") { r, _ in abs(r) }
    static let huber = residual("huber", cases: [LossCase(options: ["delta": "0.5"], reduction: .none)]) { r, given in
        let delta = given.number("delta", 1)
        return abs(r) <= delta ? r * r / 2 : delta * (abs(r) - delta / 2)
    }
    static let pseudoHuber = residual("pseudoHuber", cases: [LossCase(options: ["delta": "0.5"], reduction: .sum)]) { r, given in
        let delta = given.number("delta", 1)
        return delta * delta * (sqrt(1 + r * r / (delta * delta)) - 1)
    }

    /// A function of predictions - targets, by elements.
    static func residual(_ name: String, cases: [LossCase] = [], _ function: @escaping @Sendable (Double, Given) -> Double) -> LossOracle {
        LossOracle(name: name, cases: cases) { given in
            zip(given["predictions"].values, given["targets"].values).map { function($0 - $1, given) }
        }
    }
}
