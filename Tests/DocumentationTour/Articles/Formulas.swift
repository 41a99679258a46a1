// Made of Sources/LossKit/LossKit.docc/Articles/Formulas.md by scripts/snippets.

import LossKit

extension Articles {
    static func formulas() throws {
        var random = Philox(seed: 9)
        let x = try Tensor.normal([500, 3], using: &random)
        let y = try Tensor.normal([400, 3], using: &random)
        let signal = try Tensor.uniform([400], using: &random)

        let squares = Formula.x(x).squaredDistance(to: .y(y))
        let blurred = try ((squares * -0.5).exp() * .y(signal)).sum(over: .y)
        let densities = try (squares * -0.5).logSumExp(over: .y)
        let nearest = try squares.topK(3, largest: false)
        print(blurred.shape, densities.shape, nearest.indices.shape)

        let pull = try gradient(at: x) { try (Formula.x($0).distance(to: .y(y)) * -1).exp().sum(over: .y).sum() }
        print(try pull.norm().scalar())

        print(try Formula.x(x[0..<2]).distance(to: .y(y[0..<3]), metric: .manhattan).matrix().array(of: Float.self))

        let solution = try entropicTransport(
            .formula(x, y) {
                let square = $0.squaredDistance(to: $1)
                return square / (square + 1)
            }, epsilon: 0.05)
        print(solution.isConverged, try solution.value.scalar())

        let scales = try Tensor([1, 1, 1] as [Float])
        let slope = try gradient(at: scales) { scales in
            try sinkhornDivergence(x, y) { (($0 - $1) * .parameter(scales)).squaredNorm() / 2 }
        }
        print(try slope.array(of: Float.self))
    }
}
