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

    /// Potentials of one of the three problems, with the exponents their last soft minimum was taken of.
    private struct Potential: Sendable {
        var value: Tensor
        var exponents: Tensor
        /// The undamped soft minimum that `value` comes from.
        var soft: Tensor
    }

    func solve(tolerance: Double, maximumIterations: Int) throws -> SinkhornResult {
        let (logA, logB) = (stopGradient(a).log(), stopGradient(b).log())
        let xy = try SoftMin(from: centredX, to: centredY, power: power)
        let yx = try SoftMin(from: centredY, to: centredX, power: power)
        let xx = try SoftMin(from: centredX, to: centredX, power: power)
        let yy = try SoftMin(from: centredY, to: centredY, power: power)
        let schedule = try epsilons(maximumIterations: maximumIterations)
        var f = try Tensor.zeros([x.shape[0]], on: x.device)
        var g = try Tensor.zeros([y.shape[0]], on: x.device)
        var (p, q) = (f, g)
        var iterations = 0
        var error = Double.infinity
        while iterations < maximumIterations {
            let eps = iterations < schedule.count ? schedule[iterations] : epsilon
            let next = (
                try damped(xy(logB + g / eps, epsilon: eps), eps), try damped(yx(logA + f / eps, epsilon: eps), eps),
                try damped(xx(logA + p / eps, epsilon: eps), eps), try damped(yy(logB + q / eps, epsilon: eps), eps)
            )
            let isAtTarget = iterations >= schedule.count
            if isAtTarget && iterations % 10 == 0 { error = try marginalError(f, next.0) }
            f = try ((f + next.0) * 0.5).evaluated()
            g = try ((g + next.1) * 0.5).evaluated()
            p = try ((p + next.2) * 0.5).evaluated()
            q = try ((q + next.3) * 0.5).evaluated()
            iterations += 1
            if error <= tolerance { break }
        }
        func last(_ softMin: SoftMin, _ exponents: Tensor) throws -> Potential {
            let soft = try softMin(exponents, epsilon: epsilon)
            return Potential(value: try damped(soft, epsilon).evaluated(), exponents: exponents, soft: soft)
        }
        let (fLast, gLast) = (try last(xy, logB + g / epsilon), try last(yx, logA + f / epsilon))
        let (pLast, qLast) = (try last(xx, logA + p / epsilon), try last(yy, logB + q / epsilon))
        error = try marginalError(fLast.value, damped(xy(logB + gLast.value / epsilon, epsilon: epsilon), epsilon))
        let value = try divergence(fLast, gLast, pLast, qLast, xy, yx, xx, yy)
        return SinkhornResult(
            value: value, potentials: (fLast.value, gLast.value), marginalError: error, iterations: iterations,
            isConverged: error <= tolerance)
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

    private func damped(_ soft: Tensor, _ eps: Double) -> Tensor {
        rho.map { soft * (1 / (1 + eps / $0)) } ?? soft
    }

    /// sum_i a_i |1 - exp((f_i - f~_i) / epsilon)|: how far the plan of f is from its marginal, f~ being the next f. Rows without mass do not count.
    private func marginalError(_ f: Tensor, _ next: Tensor) throws -> Double {
        let mass = stopGradient(a)
        let off = mass * ((f - next) / epsilon).expm1().absolute()
        return try Tensor.select(mass .> 0, off, .zeros([], on: mass.device)).sum().scalar()
    }

    /// The value from the potentials, with its derivatives by the envelope theorem.
    private func divergence(
        _ f: Potential, _ g: Potential, _ p: Potential, _ q: Potential, _ xy: SoftMin, _ yx: SoftMin, _ xx: SoftMin, _ yy: SoftMin
    ) throws -> Tensor {
        let (massA, massB) = (stopGradient(a), stopGradient(b))
        let (epsilon, rho) = (epsilon, rho)
        @Sendable func gain(_ self: Tensor, _ other: Tensor, _ factor: Double) -> Tensor {
            guard let rho else { return other - self }
            return ((self * (-1 / rho)).exp() - (other * (-1 / rho)).exp()) * (rho + factor * epsilon)
        }
        let value = try (massA * gain(p.value, f.value, 0.5)).sum() + (massB * gain(q.value, g.value, 0.5)).sum()
        /// The mass that a plan moves from each point.
        @Sendable func moved(_ mass: Tensor, _ potential: Tensor) -> Tensor {
            rho.map { mass * (potential * (-1 / $0)).exp() } ?? mass
        }
        @Sendable func pull(_ mass: Tensor, _ across: Potential, _ within: Potential, _ cross: SoftMin, _ own: SoftMin) throws -> Tensor {
            let toOther = try cross.costGradient(across.exponents, value: across.soft, epsilon: epsilon)
            let toSelf = try own.costGradient(within.exponents, value: within.soft, epsilon: epsilon)
            return try moved(mass, across.value).expandedDimensions(at: 1) * toOther - moved(mass, within.value).expandedDimensions(at: 1)
                * toSelf
        }
        let inputs = [x, y, a, b]
        return Tensor.record("sinkhornDivergence", inputs: inputs, output: value) { pullback in
            let c = pullback.cotangent
            let gradients = try [
                pullback.isNeeded[0] ? pull(massA, f, p, xy, xx) : nil, pullback.isNeeded[1] ? pull(massB, g, q, yx, yy) : nil,
                pullback.isNeeded[2] ? gain(p.value, f.value, 1) : nil, pullback.isNeeded[3] ? gain(q.value, g.value, 1) : nil,
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
