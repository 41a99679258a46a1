import LossKitOps

/// A solution's value and potentials with the derivatives of one mode.
struct TransportDerivatives: Sendable {
    /// Prepared inputs, with their history.
    let cost: TransportCost
    let weights: (x: Tensor, y: Tensor)
    let problem: EntropicProblem
    let state: EntropicProblem.State

    init(_ cost: TransportCost, _ weights: (x: Tensor, y: Tensor), _ problem: EntropicProblem, _ state: EntropicProblem.State) {
        (self.cost, self.weights, self.problem, self.state) = (cost, weights, problem, state)
    }

    /// What is handed out.
    struct Attached {
        var value: Tensor
        var f: Tensor
        var g: Tensor
    }

    private static let operation = "entropicTransport"
    private var inputs: [Tensor] { cost.inputs + [weights.x, weights.y] }

    func attached(_ mode: EntropicTransportOptions.Gradient) throws -> Attached {
        let value = try problem.value(state)
        switch mode {
        case .none: return Attached(value: value, f: state.f, g: state.g)
        case .envelope:
            let potentials = Tensor.record("transportPotentials", inputs: inputs, outputs: [state.f, state.g]) { _ in
                throw TensorError.invalidArgument(
                    operation: Self.operation, expected: "the gradient implicit or unrolled for one of potentials, plan or map",
                    actual: "envelope")
            }
            return Attached(value: enveloped(value, nil), f: potentials[0], g: potentials[1])
        case .implicit:
            let inputs = inputs
            let held = [try wide(state.f, state.remainders?.x), try wide(state.g, state.remainders?.y)]
            let potentials = Tensor.record("transportPotentials", inputs: inputs, outputs: held) { [self] pullback in
                let zero = try Tensor.zeros([], on: state.f.device)
                let (r, s) = (pullback.cotangents[0] ?? zero, pullback.cotangents[1] ?? zero)
                let gradients = try implicit(r.broadcast(to: state.f.shape), s.broadcast(to: state.g.shape))
                return gradients.map { gradient in
                    Tensor.record("implicitGradient", inputs: inputs + [r, s], output: gradient) { _ in
                        throw TensorError.notDifferentiable(operation: "the potentials of entropicTransport", order: 2)
                    }
                }
            }
            return Attached(value: enveloped(value, (potentials[0], potentials[1])), f: potentials[0], g: potentials[1])
        case .unrolled(let steps): return try unrolled(steps)
        }
    }

    /// A potential in doubles, where its device has them: derivatives for both sides nearly cancel where clusters hardly exchange mass.
    private func wide(_ potential: Tensor, _ rest: Tensor?) throws -> Tensor {
        guard WideSoftMin.device(for: potential.device) == potential.device else { return potential }
        let wide = potential.asType(.float64)
        return try (rest.map { wide + $0 } ?? wide).evaluated()
    }

    /// The value with its derivative at fixed potentials; `potentials` are those that move when it is differentiated again.
    private func enveloped(_ value: Tensor, _ potentials: (Tensor, Tensor)?) -> Tensor {
        let inputs = inputs
        return Tensor.record("entropicTransport", inputs: inputs, output: value) { [self] pullback in
            let c = pullback.cotangent
            if let potentials, Tensor.records(inputs + [c]) { return try recordedSlopes(potentials.0, potentials.1, c) }
            let (byBatch, byRow) = (try c.expandedDimensions(at: 1), try c.reshaped([problem.softMin.batch, 1, 1]))
            let masses = (
                try problem.weights.x.sum(axes: [1], keepDimensions: true), try problem.weights.y.sum(axes: [1], keepDimensions: true)
            )
            var gradients: [Tensor?]
            switch cost {
            case .points, .formula:
                let isSharedNeeded = pullback.isNeeded[2..<(inputs.count - 2)]
                gradients = [
                    pullback.isNeeded[0] ? try problem.pull(.x, state) * byRow : nil,
                    pullback.isNeeded[1] ? try problem.pull(.y, state) * byRow : nil,
                ]
                gradients += try isSharedNeeded.contains(true) ? problem.parameterPulls(state, byBatch) : isSharedNeeded.map { _ in nil }
            case .matrix: gradients = [pullback.isNeeded[0] ? try plan(state.f, state.g, 0..<problem.softMin.n) * byRow : nil]
            }
            gradients.append((problem.slope(.x, state) + masses.1 * problem.epsilon) * byBatch)
            gradients.append((problem.slope(.y, state) + masses.0 * problem.epsilon) * byBatch)
            return gradients.map { gradient in
                gradient.map {
                    Tensor.record("transportGradient", inputs: inputs + [c], output: $0) { _ in
                        throw TensorError.notDifferentiable(operation: Self.operation, order: 2)
                    }
                }
            }
        }
    }

    /// The same derivative in operations that can be differentiated again, through the potentials too.
    private func recordedSlopes(_ f: Tensor, _ g: Tensor, _ c: Tensor) throws -> [Tensor] {
        let whole = try plan(f, g, 0..<problem.softMin.n)
        let moving = try whole * c.reshaped([problem.softMin.batch, 1, 1])
        let cost = cost
        let ofCost = try gradient(at: cost.inputs) { try (cost.of($0).matrix(rows: 0..<f.shape[1]) * moving).sum() }
        func slope(_ penalty: MarginalPenalty, _ potential: Tensor, _ marginal: Tensor, _ own: Tensor, _ other: Tensor) throws -> Tensor {
            let slope = try penalty.gain(potential) + (other.sum(axes: [1], keepDimensions: true) - marginal / own) * problem.epsilon
            return try (slope * c.expandedDimensions(at: 1)).asType(own.dtype)
        }
        return ofCost + [
            try slope(problem.penalties.x, f, whole.sum(axes: [2]), weights.x, weights.y),
            try slope(problem.penalties.y, g, whole.sum(axes: [1]), weights.y, weights.x),
        ]
    }

    /// Rows of the plan that potentials give.
    func plan(_ f: Tensor, _ g: Tensor, _ rows: Range<Int>) throws -> Tensor {
        func part(_ tensor: Tensor) throws -> Tensor {
            try tensor.slice(axis: 1, from: rows.lowerBound, to: rows.upperBound).expandedDimensions(at: 2)
        }
        let shifted = state.shift.map { f + $0 } ?? f
        let exponents = try ((part(shifted) - cost.matrix(rows: rows)) + g.expandedDimensions(at: 1)) / problem.epsilon
        return try exponents.exp() * part(weights.x) * weights.y.expandedDimensions(at: 1)
    }

    /// The last steps once more, in operations that are recorded.
    private func unrolled(_ steps: Int) throws -> Attached {
        let (epsilon, penalties) = (problem.epsilon, problem.penalties)
        let costs = try cost.matrix(rows: 0..<problem.softMin.n)
        let (logX, logY) = (try weights.x.log().expandedDimensions(at: 2), try weights.y.log().expandedDimensions(at: 1))
        var (f, g) = (state.f, state.g)
        var soft = state.soft.y
        for _ in 0..<steps {
            let rows = try ((g.expandedDimensions(at: 1) - costs) / epsilon + logY).logSumExp(axes: [2]) * -epsilon
            f = penalties.x.potential(rows, epsilon)
            soft = try ((f.expandedDimensions(at: 2) - costs) / epsilon + logX).logSumExp(axes: [1]) * -epsilon
            g = penalties.y.potential(soft, epsilon)
        }
        let moved = try (weights.y * ((g - soft) / epsilon).exp()).sum(axes: [1])
        let gains = try (weights.x * penalties.x.gain(f)).sum(axes: [1]) + (weights.y * penalties.y.gain(g)).sum(axes: [1])
        let product = try weights.x.sum(axes: [1]) * weights.y.sum(axes: [1])
        return Attached(value: gains + (product - moved) * epsilon, f: f, g: g)
    }
}
