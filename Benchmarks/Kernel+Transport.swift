import LossKit

extension Kernel {
    /// Entropic transport for so many steps, and to a marginal error of 1e-4, at epsilons of a tenth and a hundredth of the mean cost.
    static func transport(quick: Bool) -> [Kernel] {
        let sizes = [(500, 2), (500, 64), (2000, 2), (2000, 64), (5000, 2), (5000, 64)]
        return (quick ? [(500, 2), (500, 64)] : sizes).flatMap { n, d in
            [0.1, 0.01].flatMap { share in [transport(n, d, share: share, steps: 100), transport(n, d, share: share, steps: nil)] }
        }
    }

    private static func transport(_ n: Int, _ d: Int, share: Double, steps: Int?) -> Kernel {
        // Of coordinates evenly spread over [-1, 1).
        let epsilon = share * Double(d) / 3
        let options = EntropicTransportOptions(tolerance: steps == nil ? 1e-4 : 0, maximumIterations: steps ?? 5000)
        let pairs = 2 * Double(steps ?? 20) * Double(n * n)
        return Kernel(
            name: steps == nil ? "convergedTransport" : "entropicTransport", size: "\(n)x\(n)x\(d) at \(share)",
            inputs: { [try random([n, d], seed: 1, on: $0), try random([n, d], seed: 2, on: $0)] },
            function: { try LossKit.entropicTransport(.points($0[0], $0[1], power: 2), epsilon: epsilon, options: options).value },
            bound: .pairs(forward: pairs, both: pairs + Double(n * n)),
            options: ["epsilon": epsilon, "steps": Double(steps ?? 5000), "tolerance": steps == nil ? 1e-4 : 0],
            valueTolerance: Tolerance(relative: 1e-4, ofLargest: 0),
            // Marginals are off by so much.
            gradientTolerance: Tolerance(relative: 1e-3, ofLargest: steps == nil || share > 0.05 ? 1e-3 : 1e-1))
    }
}
