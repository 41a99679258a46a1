import LossKitOps

/// Settings of ``entropicTransport(_:a:b:epsilon:options:)``.
public struct EntropicTransportOptions: Sendable {
    /// How derivatives are carried.
    public enum Gradient: Sendable, Hashable {
        /// To nothing.
        case none
        /// Through the value alone, by the envelope theorem; asking for one of potentials, plan or map is an error.
        case envelope
        /// Through value, potentials, plan and map, by the implicit function theorem: a linear system for each backward pass, by conjugate
        /// gradients in doubles, on the CPU where the device has none. The value twice. Exact at convergence, for losses that a constant added to
        /// one side's potentials does not change.
        case implicit
        /// Through so many last steps, on a cost matrix that is held.
        case unrolled(Int)
    }

    /// What the plan's marginal on the side of the rows may be.
    public var source: MarginalPenalty
    /// The same on the side of the columns.
    public var target: MarginalPenalty
    /// The mass to transport, at most that of either side, for partial transport: marginals then are at most the weights.
    public var mass: Double?
    /// Stop when both marginals are within this L1 distance of what is best; 0 for as many steps as are allowed.
    public var tolerance: Double
    /// Stop at the latest after so many steps, each of both sides.
    public var maximumIterations: Int
    /// Epsilon begins at the largest cost and falls by this factor with each step; 1 for none of that. Of 1024 points or more on each side a
    /// sample takes those steps, and all begin with its potentials; of 4096 or more a quarter of them, which begin with those of a quarter.
    public var annealing: Double
    /// Potentials to begin with; then epsilon is not annealed.
    public var initial: (x: Tensor, y: Tensor)?
    /// How derivatives are carried.
    public var gradient: Gradient
    /// Never to hold anything for every pair, but on the CPU a bit for 2,048 of them, where points in up to three dimensions are found to be near
    /// (see the note of ``entropicTransport(_:a:b:epsilon:options:)``). Otherwise a processor holds costs of formulas and of points in more than
    /// eight dimensions, in 64 MiB at most, and for points scales a kernel `exp((f + g - C) / epsilon)` where that is faster: of 128 MiB at most
    /// in up to three dimensions, of 2 GiB in more.
    public var linearMemory: Bool

    /// Settings; balanced transport to 1e-3 by default.
    public init(
        source: MarginalPenalty = .exact, target: MarginalPenalty = .exact, mass: Double? = nil, tolerance: Double = 1e-3,
        maximumIterations: Int = 1000, annealing: Double = 0.64, initial: (x: Tensor, y: Tensor)? = nil, gradient: Gradient = .envelope,
        linearMemory: Bool = false
    ) {
        (self.source, self.target, self.mass) = (source, target, mass)
        (self.tolerance, self.maximumIterations, self.annealing) = (tolerance, maximumIterations, annealing)
        (self.initial, self.gradient, self.linearMemory) = (initial, gradient, linearMemory)
    }
}

extension EntropicTransportOptions {
    /// The penalties on both sides for weights [batch, n] and [batch, m], checked with the rest; a mass to transport lets marginals be less than
    /// the weights.
    func penalties(_ weights: (x: Tensor, y: Tensor), _ operation: String) throws -> (x: MarginalPenalty, y: MarginalPenalty) {
        try require(maximumIterations > 0, operation, "maximumIterations > 0", maximumIterations)
        try require(annealing > 0 && annealing <= 1, operation, "annealing above 0 and at most 1", annealing)
        try source.check(operation)
        try target.check(operation)
        let isExact = (source, target) == (.exact, .exact)
        guard let mass else {
            if isExact { try EntropicProblem.checkBalance(weights, operation) }
            return (source, target)
        }
        try require(isExact, operation, "no penalties where the mass is given", "\(source) and \(target)")
        let least = try Tensor.minimum(weights.x.sum(axes: [1]), weights.y.sum(axes: [1])).min().scalar()
        try require(mass > 0 && mass <= least * (1 + 1e-6), operation, "a mass above 0 and at most that of either side, \(least)", mass)
        return (.range(0...1), .range(0...1))
    }

    /// How long to iterate, and from where: potentials of these shapes stand for the weights' own.
    func schedule(
        from spread: Double, to epsilon: Double, _ weights: (x: Tensor, y: Tensor), shapes: (x: [Int], y: [Int]), _ operation: String
    ) throws -> EntropicProblem.Schedule {
        var schedule = EntropicProblem.Schedule(
            tolerance: tolerance, maximumIterations: maximumIterations, from: spread, to: epsilon, ratio: initial == nil ? annealing : 1)
        guard let initial else { return schedule }
        guard try initial.x.checked().shape == shapes.x, try initial.y.checked().shape == shapes.y else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "potentials \(shapes.x) and \(shapes.y)", actual: [initial.x.shape, initial.y.shape])
        }
        func flat(_ potential: Tensor, like weights: Tensor) throws -> Tensor {
            try stopGradient(potential).asType(.float32).reshaped(weights.shape)
        }
        schedule.initial = (try flat(initial.x, like: weights.x), try flat(initial.y, like: weights.y))
        return schedule
    }
}
