import LossKitDevice

/// Soft minima of a cost that is a formula of a point of each of two sets: online in O(n + m) memory, one problem.
package struct FormulaSoftMin: SoftMinStructure {
    package typealias Cost = @Sendable (_ x: Formula, _ y: Formula) -> Formula

    private let points: (x: Tensor, y: Tensor)
    private let cost: Cost
    private let formula: Formula

    package let batch = 1
    package var counts: (x: Int, y: Int) { (points.x.shape[0], points.y.shape[0]) }
    package var sample: Tensor { points.x }

    /// - Parameters:
    ///   - x: [n, d].
    ///   - y: [m, e].
    package init(_ x: Tensor, _ y: Tensor, cost: @escaping Cost) throws {
        points = (stopGradient(x), stopGradient(y))
        self.cost = cost
        formula = cost(.x(points.x), .y(points.y))
        guard !Tensor.records(formula.variables.map(\.tensor)) else {
            throw TensorError.invalidArgument(
                operation: "entropicTransport", expected: "a cost that is differentiated for its points alone (or stopGradient)",
                actual: "a parameter with a history")
        }
    }

    /// How much the largest cost is above the least.
    package func spread() throws -> Double { try (formula.max().max() - formula.min().min()).scalar() }

    /// As of ``SoftMin``.
    package func minima(
        _ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double, keep: Double, take: Double
    ) throws -> (soft: Tensor, next: Tensor) {
        let soft = try Self.soft(formula, side, potentials, logWeights, own: own, epsilon).evaluated()
        return (soft, try (own * keep + soft * take).evaluated())
    }

    /// The costs of all pairs [1, n, m].
    func costs() throws -> Tensor {
        let (n, m) = counts
        let parts = try Self.blocks(rows: n, columns: m, width: max(points.x.shape[1], points.y.shape[1])).map { rows in
            try formula.replacingTensors { $0.points == .x ? $0.tensor[rows] : $0.tensor }.matrix().evaluated()
        }
        return try Tensor.concatenate(parts).expandedDimensions(at: 0).evaluated()
    }

    /// Ranges of rows whose pairs, of so many numbers each, are held at once.
    package static func blocks(rows: Int, columns: Int, width: Int) -> [Range<Int>] {
        let height = max(1, (1 << 22) / max(1, columns * width))
        return stride(from: 0, to: rows, by: height).map { $0..<min(rows, $0 + height) }
    }

    /// As of ``WideSoftMin``, on the device of the potentials.
    func wideMinima(_ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double) throws -> Tensor {
        let wide = try formula.replacingTensors { try $0.tensor.to(potentials.device).asType(.float64).evaluated() }
        return try Self.soft(wide, side, potentials, logWeights, own: own, epsilon).evaluated()
    }

    /// As of ``SoftMin``.
    func costGradient(_ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, epsilon: Double) throws -> Tensor {
        let isX = side == .x
        let slopes = try gradient(at: [isX ? points.x : points.y]) { moved in
            let formula = isX ? cost(.x(moved[0]), .y(points.y)) : cost(.x(points.x), .y(moved[0]))
            return try Self.soft(formula, side, potentials, logWeights, own: nil, epsilon).sum()
        }
        return try slopes[0].expandedDimensions(at: 0)
    }

    /// As of ``SoftMin``, on the CPU.
    func plan(rows: Range<Int>, potentials: (x: Tensor, y: Tensor), weights: (x: Tensor, y: Tensor), epsilon: Double) throws -> Tensor {
        func home(_ tensor: Tensor) throws -> Tensor { try tensor.to(.cpu).asType(.float64) }
        let costs = try formula.replacingTensors { $0.points == .x ? try home($0.tensor[rows]) : try home($0.tensor) }.matrix()
        let (f, a) = (try home(potentials.x[0][rows]).expandedDimensions(at: 1), try home(weights.x[0][rows]).expandedDimensions(at: 1))
        let exponents = try (f + home(potentials.y[0]) - costs) / epsilon
        return try (exponents.exp() * a * home(weights.y[0])).asType(.float32).expandedDimensions(at: 0).evaluated()
    }

    /// The same of every `x`th and every `y`th point.
    func sampled(x: Int, y: Int) throws -> FormulaSoftMin {
        try FormulaSoftMin(points.x.slice(axis: 0, step: x), points.y.slice(axis: 0, step: y), cost: cost)
    }

    /// Relative to where they are about, which keeps exponents small.
    private static func soft(
        _ formula: Formula, _ side: SoftMin.Side, _ potentials: Tensor, _ logWeights: Tensor, own: Tensor?, _ epsilon: Double
    ) throws -> Tensor {
        let others = try (potentials + logWeights * epsilon).reshaped([-1]).evaluated()
        let reduced: Formula.Points = side == .x ? .y : .x
        var exponents = Formula.variable(others, of: reduced) - formula
        if let own { exponents = try exponents + .variable(own.reshaped([-1]), of: reduced.other) }
        let soft = try (exponents * (1 / epsilon)).logSumExp(over: reduced).expandedDimensions(at: 0) * -epsilon
        return (own.map { soft + $0 } ?? soft).asType(potentials.dtype)
    }
}
