import LossKitOps

/// One debiased entropic transport problem: both clouds against each other and each against itself.
struct SinkhornProblem {
    private let x: Tensor
    private let y: Tensor
    private let a: Tensor
    private let b: Tensor
    private let epsilon: Double
    private let power: Int
    private let rho: Double?
    private let centredX: Tensor
    private let centredY: Tensor

    init(_ x: Tensor, _ y: Tensor, a: Tensor?, b: Tensor?, epsilon: Double, power: Int, reach: Double?) throws {
        let operation = "sinkhornDivergence"
        guard try x.checked().rank == 2, try y.checked().rank == 2, x.shape[1] == y.shape[1], x.shape[0] > 0, y.shape[0] > 0 else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "points [n, d] and [m, d], n and m above 0", actual: [x.shape, y.shape])
        }
        // Its reciprocal is taken in float32.
        try require(epsilon >= 1e-30 && epsilon.isFinite, operation, "a finite epsilon of at least 1e-30", epsilon)
        try require(power == 1 || power == 2, operation, "power 1 or 2", power)
        if let reach { try require(reach > 0, operation, "reach > 0", reach) }
        for points in [x, y] {
            if let row = try points.isFinite().all(axes: [1]).booleans().firstIndex(of: false) {
                throw TensorError.invalidArgument(operation: operation, expected: "finite coordinates", actual: "point \(row) is not")
            }
        }
        self.x = x.asType(.float32)
        self.y = y.asType(.float32)
        self.a = try Self.weights(a, count: x.shape[0], like: x, operation)
        self.b = try Self.weights(b, count: y.shape[0], like: y, operation)
        self.epsilon = epsilon
        self.power = power
        rho = reach.map { power == 1 ? $0 : $0 * $0 }
        if reach == nil {
            let masses = (try self.a.sum().scalar(), try self.b.sum().scalar())
            try require(
                abs(masses.0 - masses.1) <= 1e-4 * max(masses.0, masses.1), operation, "equal masses (or a reach)",
                "\(masses.0) and \(masses.1)")
        }
        // Far from the origin squared distances would be lost in rounding.
        let centre = try stopGradient(self.x).mean(axes: [0], keepDimensions: true)
        centredX = try (stopGradient(self.x) - centre).evaluated()
        centredY = try (stopGradient(self.y) - centre).evaluated()
    }

    private static func weights(_ given: Tensor?, count: Int, like points: Tensor, _ operation: String) throws -> Tensor {
        guard let given else { return try .full([count], 1 / Double(count), on: points.device) }
        guard try given.checked().shape == [count] else {
            throw TensorError.shapeMismatch(operation: operation, expected: "weights [\(count)]", actual: [given.shape])
        }
        let isValid = try ((given .>= 0) .&& given.isFinite()).all().booleans()[0]
        try require(isValid, operation, "finite weights that are not negative", "others")
        try require(try given.sum().scalar() > 0, operation, "weights with a sum above 0", "sum 0")
        return given.asType(.float32)
    }

    /// Potentials [2 (n + m)]: of x against y, y against x, x against itself and y against itself.
    private struct Potentials: Sendable {
        /// Those that the last soft minimum was taken of.
        var before: Tensor
        /// What came out, damped.
        var after: Tensor
    }

    func solve(tolerance: Double, maximumIterations: Int) throws -> SinkhornResult {
        let weights = try Tensor.concatenate([stopGradient(a), stopGradient(b)])
        let softMin = try SoftMin(centredX, centredY, logWeights: weights.log(), power: power)
        let schedule = try epsilons(maximumIterations: maximumIterations)
        var potentials = try Tensor.zeros([2 * softMin.count], on: x.device)
        var iterations = 0
        while iterations < maximumIterations {
            let eps = iterations < schedule.count ? schedule[iterations] : epsilon
            let step = try softMin(potentials, epsilon: eps, keep: 0.5, take: 0.5 * damping(eps))
            let isChecked = iterations >= schedule.count && iterations % 10 == 0
            let errors = isChecked ? try marginalErrors(weights, potentials, soft: step.soft) : nil
            potentials = step.next
            iterations += 1
            if let errors, max(errors.x, errors.y) <= tolerance { break }
        }
        let last = Potentials(
            before: potentials, after: try softMin(potentials, epsilon: epsilon, take: damping(epsilon)).next)
        let between = try softMin(last.after, epsilon: epsilon, onlyBetween: true).soft
        let errors = try marginalErrors(weights, last.after, soft: between)
        let n = x.shape[0]
        return SinkhornResult(
            value: try divergence(last, softMin),
            potentials: (
                try last.after.slice(axis: 0, from: 0, to: n), try last.after.slice(axis: 0, from: n, to: softMin.count)
            ),
            marginalErrors: errors, iterations: iterations, isConverged: max(errors.x, errors.y) <= tolerance)
    }

    /// From the clouds' diameter down to the target by a constant ratio, then a few more at the target.
    private func epsilons(maximumIterations: Int) throws -> [Double] {
        let low = try Tensor.minimum(centredX.min(axes: [0]), centredY.min(axes: [0]))
        let high = try Tensor.maximum(centredX.max(axes: [0]), centredY.max(axes: [0]))
        let diameter = try (high - low).norm().scalar()
        var schedule: [Double] = []
        var eps = power == 1 ? diameter : diameter * diameter / 2
        while eps > epsilon, schedule.count < maximumIterations / 2 {
            schedule.append(eps)
            eps *= 0.64
        }
        return schedule + Array(repeating: epsilon, count: min(10, maximumIterations / 4))
    }

    private func damping(_ eps: Double) -> Double { rho.map { 1 / (1 + eps / $0) } ?? 1 }

    /// How far the marginals of the potentials' plan are from what they should be, in L1: from the weights, or with `reach` from
    /// `a exp(-f / rho)`, which they are at the optimum. `soft` are the potentials' undamped soft minima. Points without mass do not count.
    private func marginalErrors(_ weights: Tensor, _ potentials: Tensor, soft: Tensor) throws -> (x: Double, y: Double) {
        let (n, count) = (x.shape[0], weights.shape[0])
        let values = try potentials.slice(axis: 0, from: 0, to: count)
        var off = try (values - soft.slice(axis: 0, from: 0, to: count)) / epsilon
        if let rho { off = off + values / rho }
        off = weights * off.expm1().absolute()
        if let rho { off = off * (values * (-1 / rho)).exp() }
        off = Tensor.select(weights .> 0, off, try .zeros([], on: weights.device))
        let sums = try Tensor.stack([off.slice(axis: 0, from: 0, to: n).sum(), off.slice(axis: 0, from: n, to: count).sum()])
        let both = try sums.array(of: Double.self)
        return (both[0], both[1])
    }

    /// The value from the potentials, with its derivatives by the envelope theorem.
    private func divergence(_ potentials: Potentials, _ softMin: SoftMin) throws -> Tensor {
        let (massA, massB) = (stopGradient(a), stopGradient(b))
        let (epsilon, rho, n, count) = (epsilon, rho, x.shape[0], softMin.count)
        let parts = try [0..<n, n..<count, count..<count + n, count + n..<2 * count].map {
            try potentials.after.slice(axis: 0, from: $0.lowerBound, to: $0.upperBound)
        }
        let (f, g, p, q) = (parts[0], parts[1], parts[2], parts[3])
        @Sendable func gain(_ own: Tensor, _ other: Tensor, _ factor: Double) -> Tensor {
            guard let rho else { return other - own }
            return ((own * (-1 / rho)).exp() - (other * (-1 / rho)).exp()) * (rho + factor * epsilon)
        }
        let value = try (massA * gain(p, f, 0.5)).sum() + (massB * gain(q, g, 0.5)).sum()
        /// The mass that a plan moves from each point.
        @Sendable func moved(_ mass: Tensor, _ potential: Tensor) throws -> Tensor {
            try (rho.map { mass * (potential * (-1 / $0)).exp() } ?? mass).expandedDimensions(at: 1)
        }
        @Sendable func pull(_ mass: Tensor, _ across: Tensor, _ within: Tensor, _ rows: Range<Int>) throws -> Tensor {
            let toOther = try softMin.costGradient(potentials.before, rows: rows, epsilon: epsilon)
            let ownRows = rows.lowerBound + count..<rows.upperBound + count
            let toOwn = try softMin.costGradient(potentials.before, rows: ownRows, epsilon: epsilon)
            return try moved(mass, across) * toOther - moved(mass, within) * toOwn
        }
        let inputs = [x, y, a, b]
        return Tensor.record("sinkhornDivergence", inputs: inputs, output: value) { pullback in
            let c = pullback.cotangent
            let gradients = try [
                pullback.isNeeded[0] ? pull(massA, f, p, 0..<n) : nil, pullback.isNeeded[1] ? pull(massB, g, q, n..<count) : nil,
                pullback.isNeeded[2] ? gain(p, f, 1) : nil, pullback.isNeeded[3] ? gain(q, g, 1) : nil,
            ]
            return gradients.map { gradient in
                gradient.map { gradient in
                    Tensor.record("sinkhornGradient", inputs: inputs + [c], output: gradient * c) { _ in
                        throw TensorError.notDifferentiable(operation: "sinkhornDivergence", order: 2)
                    }
                }
            }
        }
    }
}
