import LossKitDevice

/// Soft minima of a cost that is a formula of a point of each of two sets: online in O(n + m) memory, one reduction for each of a batch.
package struct FormulaSoftMin: SoftMinStructure {
    package typealias Cost = @Sendable (_ x: Formula, _ y: Formula) -> Formula

    private let points: (x: Tensor, y: Tensor)
    private let cost: Cost
    /// The cost of each problem of the batch.
    private let formulas: [Formula]

    package var batch: Int { formulas.count }
    package var counts: (x: Int, y: Int) { (points.x.shape[1], points.y.shape[1]) }
    package var sample: Tensor { points.x }

    /// - Parameters:
    ///   - x: [batch, n, d], batch above 0.
    ///   - y: [batch, m, e].
    package init(_ x: Tensor, _ y: Tensor, cost: @escaping Cost) throws {
        points = (stopGradient(x), stopGradient(y))
        let parameters = Self.formula(cost, points.x, points.y, 0).parameters.map(stopGradient)
        self.cost = { cost($0, $1).replacingParameters(parameters) }
        formulas = (0..<x.shape[0]).map { [cost = self.cost, points] in Self.formula(cost, points.x, points.y, $0) }
        guard !Tensor.records(formulas[0].variables.map(\.tensor)) else {
            throw TensorError.invalidArgument(
                operation: "entropicTransport", expected: "a cost that is differentiated for its two points and for parameters alone",
                actual: "another variable of points with a history")
        }
    }

    /// The cost of one problem of a batch of points.
    package static func formula(_ cost: Cost, _ x: Tensor, _ y: Tensor, _ entry: Int) -> Formula { cost(.x(x[entry]), .y(y[entry])) }

    /// How much the largest cost of a problem is above the least.
    package func spread() throws -> Double {
        let spreads = try Tensor.stack(formulas.map { try $0.max().max() - $0.min().min() }).array(of: Double.self)
        return spreads.contains { $0.isNaN } ? .nan : spreads.max() ?? 0
    }

    /// As of ``SoftMin``.
    package func minima(
        _ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double, keep: Double, take: Double
    ) throws -> (soft: Tensor, next: Tensor) {
        let soft = try Self.soft(formulas, side, potentials, logWeights, own: own, epsilon).evaluated()
        return (soft, try (own * keep + soft * take).evaluated())
    }

    /// The costs of all pairs [batch, n, m].
    func costs() throws -> Tensor {
        let (n, m) = counts
        let blocks = Self.blocks(rows: n, columns: m, width: max(points.x.shape[2], points.y.shape[2]))
        let matrices = try formulas.map { formula in
            try Tensor.concatenate(
                blocks.map { rows in
                    try formula.replacingTensors { $0.points == .x ? $0.tensor[rows] : $0.tensor }.matrix().evaluated()
                })
        }
        return try Self.stacked(matrices).evaluated()
    }

    /// Ranges of rows whose pairs, of so many numbers each, are held at once.
    package static func blocks(rows: Int, columns: Int, width: Int) -> [Range<Int>] {
        let height = max(1, (1 << 22) / max(1, columns * width))
        return stride(from: 0, to: rows, by: height).map { $0..<min(rows, $0 + height) }
    }

    /// As of ``WideSoftMin``, on the device of the potentials.
    func wideMinima(_ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double) throws -> Tensor {
        let wide = try formulas.map { formula in
            try formula.replacingTensors { try $0.tensor.to(potentials.device).asType(.float64).evaluated() }
        }
        return try Self.soft(wide, side, potentials, logWeights, own: own, epsilon).evaluated()
    }

    /// As of ``SoftMin``.
    func costGradient(_ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, epsilon: Double) throws -> Tensor {
        let isX = side == .x
        return try gradient(at: isX ? points.x : points.y) { moved in
            let (x, y) = isX ? (moved, points.y) : (points.x, moved)
            return try Self.soft(
                formulas.indices.map { Self.formula(cost, x, y, $0) }, side, potentials, logWeights, own: nil, epsilon
            ).sum()
        }
    }

    /// The derivatives for the formula's parameters of the sum of the rows' soft minima, each times its weight.
    ///
    /// - Parameter weights: [batch, n].
    func parameterGradients(potentials: Tensor, logWeights: Tensor, weights: Tensor, epsilon: Double) throws -> [Tensor] {
        try gradient(at: formulas[0].parameters) { moved in
            let soft = try Self.soft(formulas.map { $0.replacingParameters(moved) }, .x, potentials, logWeights, own: nil, epsilon)
            return try (soft * weights).sum()
        }
    }

    /// As of ``SoftMin``, on the CPU.
    func plan(rows: Range<Int>, potentials: (x: Tensor, y: Tensor), weights: (x: Tensor, y: Tensor), epsilon: Double) throws -> Tensor {
        func home(_ tensor: Tensor) throws -> Tensor { try tensor.to(.cpu).asType(.float64) }
        let plans = try formulas.enumerated().map { entry, formula in
            let costs = try formula.replacingTensors { $0.points == .x ? try home($0.tensor[rows]) : try home($0.tensor) }.matrix()
            let f = try home(potentials.x[entry][rows]).expandedDimensions(at: 1)
            let a = try home(weights.x[entry][rows]).expandedDimensions(at: 1)
            let exponents = try (f + home(potentials.y[entry]) - costs) / epsilon
            return try (exponents.exp() * a * home(weights.y[entry])).asType(.float32).evaluated()
        }
        return try Self.stacked(plans).evaluated()
    }

    /// The same of every `x`th and every `y`th point.
    func sampled(x: Int, y: Int) throws -> FormulaSoftMin {
        try FormulaSoftMin(points.x.slice(axis: 1, step: x), points.y.slice(axis: 1, step: y), cost: cost)
    }

    /// What is found for each problem; of one there is nothing to copy.
    private static func stacked(_ parts: [Tensor]) throws -> Tensor {
        try parts.count == 1 ? parts[0].expandedDimensions(at: 0) : Tensor.stack(parts)
    }

    /// Relative to where they are about, which keeps exponents small.
    private static func soft(
        _ formulas: [Formula], _ side: SoftMin.Side, _ potentials: Tensor, _ logWeights: Tensor, own: Tensor?, _ epsilon: Double
    ) throws -> Tensor {
        let others = try (potentials + logWeights * epsilon).evaluated()
        let reduced: Formula.Points = side == .x ? .y : .x
        let sums = try formulas.enumerated().map { entry, formula in
            var exponents = Formula.variable(others[entry], of: reduced) - formula
            if let own { exponents = exponents + .variable(own[entry], of: reduced.other) }
            return try (exponents * (1 / epsilon)).logSumExp(over: reduced)
        }
        let soft = try stacked(sums) * -epsilon
        return (own.map { soft + $0 } ?? soft).asType(potentials.dtype)
    }
}
