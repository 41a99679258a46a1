import LossKitOps

/// Barycentres by iterative projections, over soft minima alone.
///
/// With kernels K_k: `u_k = a_k / K_k^T v_k`, `w = d prod_k (K_k u_k)^lambda_k`, `v_k = w / K_k u_k`, where `d = sqrt(d w / K d)` if the
/// blur is taken back and 1 if not; held are epsilon times their logarithms.
struct BarycenterProblem {
    /// Between the barycentre's points and those of each distribution.
    private let softMin: SoftMin
    /// Among the barycentre's points, where it is debiased.
    private let own: SoftMin?
    /// [k, n].
    private let logDistributions: Tensor
    /// [k, 1].
    private let lambda: Tensor
    private let epsilon: Double
    private let sample: Tensor

    init(
        _ distributions: Tensor, _ weights: Tensor?, _ softMin: SoftMin, own: SoftMin?, epsilon: Double, _ options: BarycenterOptions,
        _ operation: String
    ) throws {
        try requireEpsilon(epsilon, operation)
        try require(options.maximumIterations > 0, operation, "maximumIterations > 0", options.maximumIterations)
        try require(options.annealing > 0 && options.annealing <= 1, operation, "annealing above 0 and at most 1", options.annealing)
        try requireFloatingPoint(distributions, operation)
        let k = distributions.shape[0]
        let given = stopGradient(distributions).asType(.float32)
        try requireAll(given, operation, "finite distributions that are not negative") { ($0 .>= 0) .&& $0.isFinite() }
        let sums = try given.sum(axes: [1]).array(of: Double.self)
        for (index, sum) in sums.enumerated() {
            try require(abs(sum - 1) <= 1e-4, operation, "distributions with the sum 1", "distribution \(index) with the sum \(sum)")
        }
        logDistributions = try given.log().evaluated()
        self.lambda = try Self.shares(weights, count: k, like: given, operation)
        (self.softMin, self.own, self.epsilon, sample) = (softMin, own, epsilon, distributions)
    }

    /// Shares [count, 1] of sum 1.
    static func shares(_ weights: Tensor?, count: Int, like other: Tensor, _ operation: String) throws -> Tensor {
        guard let weights else { return try .full([count, 1], 1 / Double(count), on: other.device) }
        try requireShape(weights, [count], "weights", operation)
        let values = try stopGradient(weights).array(of: Double.self)
        let total = values.reduce(0, +)
        try require(
            total > 0 && values.allSatisfy { $0 >= 0 && $0.isFinite }, operation,
            "\(count) finite weights that are not negative, with a sum above 0", values)
        return try Tensor(values.map { Float($0 / total) }, shape: [count, 1], on: other.device)
    }

    /// Epsilon times logarithms of v_k [k, s], K_k u_k (negated), K_k^T v_k (negated) [k, n], d, K d (negated) and d K d [1, s].
    private struct State {
        var v: Tensor
        var ofRows: Tensor
        var ofColumns: Tensor
        var d: Tensor
        var ofOwn: Tensor
        var ownMass: Tensor
    }

    /// A step; the barycentre's logarithm [1, s] times epsilon.
    private func advance(_ state: inout State, _ epsilon: Double, _ none: Tensor) throws -> Tensor {
        let zero = try none.broadcast(to: state.v.shape).packed().evaluated()
        state.ofColumns = try softMin(.y, potentials: state.v, logWeights: zero, own: state.ofColumns, epsilon: epsilon).soft
        state.ofRows = try softMin(.x, potentials: state.ofColumns, logWeights: logDistributions, own: state.ofRows, epsilon: epsilon).soft
        var log = try (state.ofRows * -lambda).sum(axes: [0], keepDimensions: true)
        if let own {
            log = try (log + state.d).evaluated()
            state.ofOwn = try own(.x, potentials: state.d, logWeights: none, own: state.ofOwn, epsilon: epsilon).soft
            state.ownMass = try (state.d - state.ofOwn).evaluated()
            state.d = try ((state.d + log + state.ofOwn) * 0.5).evaluated()
        }
        return try log.evaluated()
    }

    func solve(_ options: BarycenterOptions, from largest: Double, inputs: [Tensor]) throws -> WassersteinBarycenter {
        let schedule = EntropicProblem.Schedule(
            tolerance: options.tolerance, maximumIterations: options.maximumIterations, from: largest, to: epsilon, ratio: options.annealing
        ).annealing
        let (k, s) = (softMin.batch, softMin.n)
        func zeros(_ shape: [Int]) throws -> Tensor { try Tensor.zeros(shape, on: logDistributions.device).evaluated() }
        let none = try zeros([1, s])
        var state = State(
            v: try zeros([k, s]), ofRows: try zeros([k, s]), ofColumns: try zeros([k, softMin.m]), d: none, ofOwn: none, ownMass: none)
        var (iterations, error, log) = (0, Double.infinity, none)
        while iterations < options.maximumIterations {
            let eps = iterations < schedule.count ? schedule[iterations] : epsilon
            log = try advance(&state, eps, none)
            iterations += 1
            let isLast = iterations == options.maximumIterations
            if iterations > schedule.count, isLast || (iterations - schedule.count) % 10 == 0 {
                // Of each plan, which has the last v, and of the barycentre's with itself, which has the last d.
                let masses = [state.v - state.ofRows] + (own == nil ? [] : [state.ownMass])
                let marginals = try (Tensor.concatenate(masses) / eps).exp()
                error = try (marginals - (log / eps).exp()).absolute().sum(axes: [1]).max().scalar()
            }
            state.v = try (log + state.ofRows).evaluated()
            if error <= options.tolerance { break }
        }
        let distribution = try (log / epsilon).softmax(axis: 1).squeezed(axes: [0])
        let held = Tensor.record("wassersteinBarycenter", inputs: inputs, output: try distribution.evaluated()) { _ in
            throw TensorError.invalidArgument(
                operation: "wassersteinBarycenter", expected: "no derivative of the barycentre", actual: "one")
        }
        return WassersteinBarycenter(
            distribution: held.asType(sample.dtype), marginalError: error, iterations: iterations, schedule: schedule,
            isConverged: error <= options.tolerance)
    }
}
