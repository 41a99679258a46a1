import LossKitOps

extension EntropicProblem {
    /// What each point adds to the dual for a unit of its weight; the masses' product is left out.
    func gain(_ side: SoftMin.Side, _ state: State) -> Tensor { slope(side, state, share: 0.5) }

    /// The derivative of the dual for each point's weight at fixed potentials, without the other side's mass, for a share of 1.
    func slope(_ side: SoftMin.Side, _ state: State, share: Double = 1) -> Tensor {
        let penalty = side == .x ? penalties.x : penalties.y
        let potential = side == .x ? state.f : state.g
        guard let ratio = ratio(side, state) else { return penalty.gain(potential) - share * epsilon }
        return penalty.gain(potential) - ratio * (share * epsilon)
    }

    /// The plan's marginal over the weights; nil where it is 1.
    func ratio(_ side: SoftMin.Side, _ state: State) -> Tensor? {
        let (penalty, potential, soft) = side == .x ? (penalties.x, state.f, state.soft.x) : (penalties.y, state.g, state.soft.y)
        return penalty.ratio(potential, soft: state.shift.map { soft - $0 } ?? soft, epsilon)
    }

    /// The value [batch]: `<P, C> + epsilon KL(P | a b)` and the penalties, by the dual.
    func value(_ state: State) throws -> Tensor {
        let (massX, massY) = (try weights.x.sum(axes: [1]), try weights.y.sum(axes: [1]))
        var value = try (weights.x * gain(.x, state)).sum(axes: [1]) + (weights.y * gain(.y, state)).sum(axes: [1])
        value = value + massX * massY * epsilon
        guard let mass, let shift = state.shift else { return value }
        return try value + shift.squeezed(axes: [1]) * mass
    }

    /// The derivative of the dual for the points of a side [batch, n, d] at fixed potentials.
    func pull(_ side: SoftMin.Side, _ state: State) throws -> Tensor {
        let isX = side == .x
        let slope = try softMin.costGradient(
            side, potentials: isX ? state.g : state.f, logWeights: isX ? logWeights.y : logWeights.x, epsilon: epsilon)
        return try slope * marginal(side, state).expandedDimensions(at: 2)
    }

    /// The derivatives for the parameters of a formula at fixed potentials of the duals, each times its cotangent [batch, 1].
    func parameterPulls(_ state: State, _ cotangent: Tensor) throws -> [Tensor] {
        try softMin.parameterGradients(
            potentials: state.g, logWeights: logWeights.y, weights: (marginal(.x, state) * stopGradient(cotangent)).evaluated(),
            epsilon: epsilon)
    }

    /// The plan's marginal.
    private func marginal(_ side: SoftMin.Side, _ state: State) -> Tensor {
        let weight = side == .x ? weights.x : weights.y
        return ratio(side, state).map { weight * $0 } ?? weight
    }
}
