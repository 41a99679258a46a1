import LossKitOps

/// Structures and features as the solver takes them: float64 on the processor, without history.
struct GromovProblem: Sendable {
    /// The arguments, of which derivatives are asked: structures, weights where they are given, features where they are.
    private let given: (x: Tensor, y: Tensor, a: Tensor?, b: Tensor?, features: Tensor?)
    private let x: Tensor
    private let y: Tensor
    private let features: Tensor?
    private let alpha: Double
    private let epsilon: Double
    /// [n, 1] and [1, m].
    private let weights: (x: Tensor, y: Tensor)
    private let isSymmetric: Bool
    private let operation: String

    init(
        _ x: Tensor, _ y: Tensor, features: Tensor?, alpha: Double, a: Tensor?, b: Tensor?, epsilon: Double,
        _ options: GromovWassersteinOptions, _ operation: String
    ) throws {
        (given, self.operation) = ((x, y, a, b, features), operation)
        func square(_ tensor: Tensor, _ name: String) throws -> Int {
            guard try tensor.checked().rank == 2, tensor.shape[0] == tensor.shape[1], tensor.count > 0 else {
                throw TensorError.shapeMismatch(
                    operation: operation, expected: "a structure \(name) [n, n], n above 0", actual: [tensor.shape])
            }
            return tensor.shape[0]
        }
        let (n, m) = (try square(x, "x"), try square(y, "y"))
        if let features { try requireShape(features, [n, m], "features' cost", operation) }
        if let initial = options.initial { try requireShape(initial, [n, m], "the initial plan", operation) }
        try require((0...1).contains(alpha), operation, "alpha in 0...1", alpha)
        try require(epsilon > 0 && epsilon.isFinite, operation, "a finite epsilon above 0", epsilon)
        try require(options.maximumIterations > 0, operation, "maximumIterations > 0", options.maximumIterations)
        try require(options.innerIterations > 0, operation, "innerIterations > 0", options.innerIterations)
        func exact(_ tensor: Tensor, _ name: String) throws -> Tensor {
            try requireFloatingPoint(tensor, operation)
            let exact = try stopGradient(tensor).to(.cpu).asType(.float64).evaluated()
            try requireAll(exact, operation, "a finite \(name)") { $0.isFinite() }
            return exact
        }
        func mass(_ weights: Tensor?, _ count: Int, _ name: String) throws -> Tensor {
            guard let weights else { return try .full([count], 1 / Double(count), dtype: .float64, on: .cpu) }
            try requireShape(weights, [count], "weights \(name)", operation)
            let exact = try exact(weights, "weight \(name)")
            try requireAll(exact, operation, "weights \(name) that are not negative") { $0 .>= 0 }
            let sum = try exact.sum().scalar()
            try require(abs(sum - 1) <= 1e-4, operation, "weights \(name) with the sum 1", sum)
            return try (exact / sum).evaluated()
        }
        (self.x, self.y) = (try exact(x, "structure x"), try exact(y, "structure y"))
        self.features = try features.map { try exact($0, "features' cost") }
        weights = (try mass(a, n, "a").reshaped([n, 1]), try mass(b, m, "b").reshaped([1, m]))
        (self.alpha, self.epsilon) = (alpha, epsilon)
        isSymmetric = try [self.x, self.y].allSatisfy { try ($0 .== $0.transposed()).all().booleans()[0] }
    }

    /// The derivative of the cost for the plan.
    private func slope(_ plan: Tensor) throws -> Tensor {
        let (rows, columns) = (try plan.sum(axes: [1], keepDimensions: true), try plan.sum(axes: [0], keepDimensions: true))
        func half(_ x: Tensor, _ y: Tensor) throws -> Tensor {
            try x.square().matmul(rows) + columns.matmul(y.square().transposed()) - x.matmul(plan).matmul(y.transposed()) * 2
        }
        let structure = try isSymmetric ? half(x, y) * 2 : half(x, y) + half(x.transposed(), y.transposed())
        guard let features else { return try structure.evaluated() }
        return try (structure * alpha + features * (1 - alpha)).evaluated()
    }

    /// The cost of a plan, in numbers.
    private func cost(_ plan: Tensor) throws -> Double {
        let (rows, columns) = (try plan.sum(axes: [1], keepDimensions: true), try plan.sum(axes: [0], keepDimensions: true))
        let own = try (x.square() * rows * rows.transposed()).sum() + (y.square() * columns * columns.transposed()).sum()
        let shared = try (x.matmul(plan) * plan.matmul(y)).sum()
        let structure = try (own - shared * 2).scalar()
        guard let features else { return structure }
        return try alpha * structure + (1 - alpha) * (features * plan).sum().scalar()
    }

    func solve(_ options: GromovWassersteinOptions) throws -> GromovWasserstein {
        let product = try (weights.x * weights.y).evaluated()
        var plan = try options.initial.map { try stopGradient($0).to(.cpu).asType(.float64).evaluated() } ?? product
        try requireAll(plan, operation, "an initial plan that is finite and not negative") { ($0 .>= 0) .&& $0.isFinite() }
        let isProximal = options.solver == .proximalPoint
        // Of a plan that is given, with a floor lest a logarithm be infinite.
        var logs =
            try isProximal && options.initial != nil
            ? (plan.clamped(min: 1e-300).log() - product.clamped(min: 1e-300).log()).evaluated()
            : Tensor.zeros(plan.shape, dtype: .float64, on: .cpu)
        var scaling = try ExactScaling(
            weights, epsilon: epsilon, tolerance: options.innerTolerance, maximumIterations: options.innerIterations)
        var (iterations, change) = (0, Double.infinity)
        while iterations < options.maximumIterations, change > options.tolerance {
            var linear = try slope(plan)
            if isProximal { linear = try (linear - logs * epsilon).evaluated() }
            logs = try scaling.solve(linear)
            let next = try (logs.exp() * product).evaluated()
            change = try (next - plan).absolute().sum().scalar()
            plan = next
            iterations += 1
        }
        let (rows, columns) = (try plan.sum(axes: [1], keepDimensions: true), try plan.sum(axes: [0], keepDimensions: true))
        let errors = (x: try (rows - weights.x).absolute().sum().scalar(), y: try (columns - weights.y).absolute().sum().scalar())
        let entropy = try (plan * logs).sum().scalar() + 1 - plan.sum().scalar()
        let cost = try cost(plan)
        return try attached(
            plan, cost: cost, value: isProximal ? cost : cost + epsilon * entropy, potentials: scaling.potentials, errors: errors,
            iterations: iterations, change: change,
            isConverged: change <= options.tolerance && Swift.max(errors.x, errors.y) <= Swift.max(1e-6, options.innerTolerance))
    }

    /// The solution with its derivatives.
    private func attached(
        _ plan: Tensor, cost: Double, value: Double, potentials: (x: Tensor, y: Tensor), errors: (x: Double, y: Double), iterations: Int,
        change: Double, isConverged: Bool
    ) throws -> GromovWasserstein {
        let sample = try Tensor.commonSample(given.x, given.y)
        @Sendable func back(_ tensor: Tensor, like other: Tensor) throws -> Tensor { try tensor.asType(other.dtype).to(other.device) }
        let inputs = [given.x, given.y] + [given.features, given.a, given.b].compactMap { $0 }
        let (rows, columns) = (try plan.sum(axes: [1], keepDimensions: true), try plan.sum(axes: [0], keepDimensions: true))
        func recorded(_ name: StaticString, _ number: Double, _ isEnveloped: Bool) throws -> Tensor {
            let output = try back(Tensor(number, on: .cpu), like: sample)
            return Tensor.record(name, inputs: inputs, output: output) { [self] pullback in
                let c = pullback.cotangent
                var slopes = [
                    try (x * rows * rows.transposed() - plan.matmul(y).matmul(plan.transposed())) * (2 * alpha),
                    try (y * columns * columns.transposed() - plan.transposed().matmul(x).matmul(plan)) * (2 * alpha),
                ]
                if features != nil { slopes.append(plan * (1 - alpha)) }
                if given.a != nil { slopes.append(try potentials.x.flattened() * (isEnveloped ? 1 : 0)) }
                if given.b != nil { slopes.append(try potentials.y.flattened() * (isEnveloped ? 1 : 0)) }
                return try zip(slopes, inputs).map { slope, input in
                    let slope = try back(slope, like: input) * c.asType(input.dtype)
                    return Tensor.record("gromovGradient", inputs: inputs + [c], output: slope) { [operation] _ in
                        throw TensorError.notDifferentiable(operation: operation, order: 2)
                    }
                }
            }
        }
        let held = Tensor.record("gromovPlan", inputs: inputs, output: try back(plan, like: sample)) { [operation] _ in
            throw TensorError.invalidArgument(operation: operation, expected: "a derivative of value or cost", actual: "one of the plan")
        }
        return GromovWasserstein(
            value: try recorded("gromovWasserstein", value, true), cost: try recorded("gromovCost", cost, false), plan: held,
            marginalErrors: errors, iterations: iterations, change: change, isConverged: isConverged)
    }
}
