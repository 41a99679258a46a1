import Foundation
import LossKit

extension Kernel {
    /// Entropic transport for so many steps, and to a marginal error of 1e-4, at epsilons of a tenth and a hundredth of the mean cost.
    static func transport(quick: Bool) -> [Kernel] {
        let sizes = [500, 2000, 5000, 20_000].flatMap { n in [2, 64].map { (n, $0) } }
        return (quick ? Array(sizes.prefix(2)) : sizes).flatMap { n, d in
            [0.1, 0.01].flatMap { share in [transport(n, d, share: share, steps: 100), transport(n, d, share: share, steps: nil)] }
        }
    }

    private static func transport(_ n: Int, _ d: Int, share: Double, steps: Int?) -> Kernel {
        // Of coordinates evenly spread over [-1, 1).
        let epsilon = share * Double(d) / 3
        // Fixed steps are those that everybody takes: from potentials of 0, at one epsilon.
        let options = EntropicTransportOptions(
            tolerance: steps == nil ? 1e-4 : 0, maximumIterations: steps ?? 5000, annealing: steps == nil ? 0.64 : 1)
        let pairs = 2 * Double(steps ?? 20) * Double(n * n)
        return Kernel(
            name: steps == nil ? "convergedTransport" : "entropicTransport", size: "\(n)x\(n)x\(d) at \(share)",
            inputs: { [try random([n, d], seed: 1, on: $0), try random([n, d], seed: 2, on: $0)] },
            function: { try LossKit.entropicTransport(.points($0[0], $0[1], power: 2), epsilon: epsilon, options: options).value },
            bound: .pairs(forward: pairs, both: pairs + Double(n * n)),
            options: ["epsilon": epsilon, "steps": Double(steps ?? 5000), "tolerance": steps == nil ? 1e-4 : 0],
            isOnDemand: n > 5000, valueTolerance: Tolerance(relative: 1e-4, ofLargest: 0),
            gradientTolerance: Tolerance(
                relative: 0, ofLargest: 0, absolute: slack(share, converges: steps == nil) * (epsilon * Double(d)).squareRoot() / Double(n)))
    }

    /// By how much of a row's mass two plans may differ. Times the width of a row that is how far gradients may be apart.
    private static func slack(_ share: Double, converges: Bool) -> Double {
        // Of the same steps, by how float32 rounds exponents, of costs up to six times their mean, on the way.
        guard converges else { return 4 * 0x1p-22 * 6 / share }
        // An error that plain alternation takes N steps to bring down to t falls by 1 - ln(1 / t) / N with each, and is the sum of what all the
        // steps to come would move; the marginals of both are off by t.
        let (error, steps) = (1e-4, share > 0.05 ? 40.0 : 400)
        return 2 * error * steps / log(1 / error)
    }
}
