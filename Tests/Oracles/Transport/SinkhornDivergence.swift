extension LossOracle {
    // The oracle runs to its fixed point in doubles: a wide epsilon and few points keep that short.
    // The weights of a balanced problem live on a simplex, where single ones cannot be moved.
    static let sinkhornDivergence = LossOracle(
        name: "sinkhornDivergence", tolerance: 2e-5, gradientTolerance: 2e-4, step: 1e-4, noise: 1e-14, sampledElements: 3,
        settings: ["tolerance": "1e-6", "maximumIterations": "4000"], options: ["epsilon": "0.7"], sizes: [1, 2, 9],
        constrained: ["a", "b"], isTwiceDifferentiable: false,
        cases: [LossCase(options: ["epsilon": "0.5", "power": "1"]), LossCase(options: ["epsilon": "0.5", "reach": "1.5"])]
    ) { given in
        let (x, y) = (given["x"], given["y"])
        let a = given.inputs["a"]?.values ?? [Double](repeating: 1 / Double(x.rows), count: x.rows)
        let b = given.inputs["b"]?.values ?? [Double](repeating: 1 / Double(y.rows), count: y.rows)
        let power = Int(given.number("power", 2))
        let epsilon = given.number("epsilon", 0.05)
        let rho = given.options["reach"].flatMap { Double($0) }.map { power == 1 ? $0 : $0 * $0 }
        func transport(_ x: Matrix, _ y: Matrix, _ a: [Double], _ b: [Double]) -> Double {
            entropicTransport(x, y, a, b, epsilon: epsilon, power: power, rho: rho)
        }
        let (massA, massB) = (a.reduce(0, +), b.reduce(0, +))
        return [
            transport(x, y, a, b) - transport(x, x, a, a) / 2 - transport(y, y, b, b) / 2
                + epsilon / 2 * (massA - massB) * (massA - massB)
        ]
    }
}
