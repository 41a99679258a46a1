import LossKitOps

/// Points and weights as the descent takes them: float64 on the processor, without history.
struct LowRankProblem: Sendable {
    private static let operation = "lowRankTransport"
    /// The arguments, of which derivatives are asked: points, weights where they are given.
    private let given: (x: Tensor, y: Tensor, a: Tensor?, b: Tensor?)
    private let points: (x: Tensor, y: Tensor)
    /// [n, 1] and [m, 1].
    private let masses: (x: Tensor, y: Tensor)
    private let rank: Int
    private let epsilon: Double
    private let options: LowRankTransportOptions

    init(_ x: Tensor, _ y: Tensor, a: Tensor?, b: Tensor?, rank: Int, epsilon: Double, _ options: LowRankTransportOptions) throws {
        let operation = Self.operation
        guard try x.checked().rank == 2, try y.checked().rank == 2 else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "points [n, d] and [m, d], n and m above 0", actual: [x.shape, y.shape])
        }
        _ = try TransportCost.points(x, y, power: 2).prepared(operation)
        try require(rank > 0, operation, "a rank above 0", rank)
        try require(epsilon >= 0 && epsilon.isFinite, operation, "a finite epsilon of at least 0", epsilon)
        try require(options.maximumIterations > 0, operation, "maximumIterations > 0", options.maximumIterations)
        try require(options.innerIterations > 0, operation, "innerIterations > 0", options.innerIterations)
        try require(options.stepLength > 0 && options.stepLength.isFinite, operation, "a finite stepLength above 0", options.stepLength)
        func exact(_ tensor: Tensor) throws -> Tensor { try stopGradient(tensor).to(.cpu).asType(.float64).evaluated() }
        func weights(_ given: Tensor?, _ points: Tensor, _ name: String) throws -> Tensor {
            let count = points.shape[0]
            guard let given else { return try Tensor.full([count, 1], 1 / Double(count), dtype: .float64, on: .cpu).evaluated() }
            try requireShape(given, [count], "weights \(name)", operation)
            try requireFloatingPoint(given, operation)
            let mass = try exact(given)
            try requireAll(mass, operation, "finite weights \(name) above 0") { ($0 .> 0) .&& $0.isFinite() }
            let total = try mass.sum().scalar()
            try require(abs(total - 1) <= 1e-4, operation, "weights \(name) with the sum 1", total)
            return try (mass / total).expandedDimensions(at: 1).evaluated()
        }
        (given, masses) = ((x, y, a, b), (try weights(a, x, "a"), try weights(b, y, "b")))
        // Far from the origin squared distances would be lost in rounding.
        let centre = try exact(x).mean(axes: [0], keepDimensions: true)
        points = (try (exact(x) - centre).evaluated(), try (exact(y) - centre).evaluated())
        (self.rank, self.epsilon, self.options) = (Swift.min(rank, x.shape[0], y.shape[0]), epsilon, options)
    }

    func solve() throws -> LowRankTransport {
        var solver = try LowRankSolver(points, masses, rank: rank, epsilon: epsilon, options)
        while solver.iterations < options.maximumIterations, solver.change > options.tolerance {
            try solver.advance()
            reportProgress(solver.iterations, of: options.maximumIterations, "steps at most")
        }
        let (q, r, g) = (solver.point.q, solver.point.r, solver.point.g)
        // Marginals of the plan itself.
        let sums = (
            x: try q.matmul((r.sum(axes: [0], keepDimensions: true) / g).transposed()).evaluated(),
            y: try r.matmul((q.sum(axes: [0], keepDimensions: true) / g).transposed()).evaluated()
        )
        let value = try recorded(solver, sums)
        let sample = try Tensor.commonSample(given.x, given.y)
        let held = try [Tensor(solver.cost, on: .cpu), q, r, g.squeezed(axes: [0])].map { try $0.asType(sample.dtype).to(sample.device) }
        let fixed = Tensor.record("lowRankFactors", inputs: inputs, outputs: held) { _ in
            throw TensorError.invalidArgument(
                operation: Self.operation, expected: "a derivative of the value", actual: "one of the linear cost or the plan")
        }
        return LowRankTransport(
            value: value, linearCost: epsilon == 0 ? value : fixed[0], factors: (fixed[1], fixed[2], fixed[3]),
            marginalErrors: (
                try (sums.x - masses.x).absolute().sum().scalar(), try (sums.y - masses.y).absolute().sum().scalar()
            ), iterations: solver.iterations, change: solver.change, isConverged: solver.change <= options.tolerance)
    }

    private var inputs: [Tensor] { [given.x, given.y] + [given.a, given.b].compactMap { $0 } }

    /// The value with its derivatives by the envelope theorem.
    private func recorded(_ solver: LowRankSolver, _ sums: (x: Tensor, y: Tensor)) throws -> Tensor {
        let (sample, inputs) = (try Tensor.commonSample(given.x, given.y), inputs)
        let (q, r, g, duals) = (solver.point.q, solver.point.r, solver.point.g, solver.duals)
        let output = try Tensor(solver.value, on: .cpu).asType(sample.dtype).to(sample.device)
        return Tensor.record("lowRankTransport", inputs: inputs, output: output) { [self] pullback in
            func moved(_ own: Tensor, _ sums: Tensor, _ q: Tensor, _ r: Tensor, _ other: Tensor) throws -> Tensor {
                try own * sums - q.matmul(r.transposed().matmul(other) / g.transposed())
            }
            // Weights are scaled to the sum 1.
            func priced(_ dual: Tensor, _ mass: Tensor) throws -> Tensor { try (dual - (dual * mass).sum()).flattened() }
            var slopes = [try moved(points.x, sums.x, q, r, points.y), try moved(points.y, sums.y, r, q, points.x)]
            if given.a != nil { slopes.append(try priced(duals.x, masses.x)) }
            if given.b != nil { slopes.append(try priced(duals.y, masses.y)) }
            let c = pullback.cotangent
            return try zip(slopes, inputs).map { slope, input in
                let slope = try slope.asType(input.dtype).to(input.device) * c.asType(input.dtype)
                return Tensor.record("lowRankGradient", inputs: inputs + [c], output: slope) { _ in
                    throw TensorError.notDifferentiable(operation: Self.operation, order: 2)
                }
            }
        }
    }
}
