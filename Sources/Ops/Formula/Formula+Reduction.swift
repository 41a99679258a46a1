import LossKitDevice
import LossKitKernels

extension Formula {
    /// The sum over the points of one set, for each point of the other: [n] of a scalar, [n, e] of a vector; 0 of no points.
    ///
    /// Gradient: for the kept points again a sum over the others, for the others one over the kept points. Each result is computed by one
    /// thread in a fixed order, so it repeats bit for bit. float32 in blocks that are added in float64 where the device has it; float64 of
    /// float64 variables.
    /// - Parameter ranges: The pairs of points x and y that count; nil for all.
    /// - Throws: The error the formula carries; ``TensorError/shapeMismatch(operation:expected:actual:)`` for variables of different
    ///   numbers of points,
    ///   ``TensorError/deviceMismatch(operation:devices:)``, ``TensorError/invalidArgument(operation:expected:actual:)`` where no variable
    ///   says how many points there are.
    public func sum(over points: Points = .y, within ranges: PairRanges? = nil) throws -> Tensor {
        try sum(over: points, within: points == .y ? ranges : ranges?.transposed, width: node.coordinates, counts: nil)
    }

    /// log sum exp over the points of one set, for each point of the other: [n]; minus infinity of no points.
    ///
    /// `log sum_j w_j exp(F_ij)` in one pass relative to the largest exponent so far; a row without any mass has gradient 0.
    /// - Parameters:
    ///   - weights: A scalar formula, not negative.
    ///   - ranges: The pairs of points x and y that count; nil for all.
    /// - Throws: As ``sum(over:within:)``; ``TensorError/shapeMismatch(operation:expected:actual:)`` for vectors.
    public func logSumExp(over points: Points = .y, weights: Formula? = nil, within ranges: PairRanges? = nil) throws -> Tensor {
        let ranges = points == .y ? ranges : ranges?.transposed
        let exponent = weights.map { self + $0.log() } ?? self
        let problem = try Problem(exponent.scalar("logSumExp"), over: points, within: ranges)
        var lowering = Lowering(keeping: points.other)
        let value = try lowering.value(of: exponent)
        let output = try problem.run(lowering, .logSumExp(value), shape: [problem.rows])
        let variables = exponent.variables
        return Tensor.record("logSumExp", inputs: variables.map(\.tensor), output: output.asType(problem.dtype), savingOutput: true) {
            pullback in
            let (cotangent, total) = (pullback.cotangent, pullback.outputs[0])
            let safe = Tensor.select(total.isInfinite(), try .zeros([], dtype: total.dtype, on: total.device), total)
            let share = Formula.variable(cotangent, total: safe, of: points.other)
            let part = share.cotangent * (self - share.total).exp()
            let slopes = try variables.enumerated().map { index, variable -> Formula? in
                guard pullback.isNeeded[index] else { return nil }
                let own = try self.derivative(for: variable.node, seed: weights.map { $0 * part } ?? part)
                let weighing = try weights?.derivative(for: variable.node, seed: part)
                return own.map { own in weighing.map { own + $0 } ?? own } ?? weighing
            }
            return try Slopes(of: variables, slopes, over: points, within: ranges, counts: (problem.rows, problem.columns)).summed()
        }
    }

    /// ``sum(over:within:)`` with a stated number of coordinates, each of which a scalar stands for.
    ///
    /// - Parameters:
    ///   - ranges: For blocks of kept points ranges of reduced ones.
    ///   - counts: How many points are kept and reduced, where no variable says so.
    func sum(over points: Points, within ranges: PairRanges? = nil, width: Int?, counts: (kept: Int, reduced: Int)?) throws -> Tensor {
        let problem = try Problem(self, over: points, within: ranges, counts: counts)
        var lowering = Lowering(keeping: points.other)
        let terms = try lowering.terms(of: self)
        let output = try problem.run(lowering, .sum(terms), shape: [problem.rows] + (width.map { [$0] } ?? []))
        let variables = variables
        return Tensor.record("formulaSum", inputs: variables.map(\.tensor), output: output.asType(problem.dtype)) { pullback in
            let seed = points == .y ? Formula.x(pullback.cotangent) : Formula.y(pullback.cotangent)
            return try self.cotangents(
                seed: seed, needed: pullback.isNeeded, over: points, within: ranges, counts: (problem.rows, problem.columns))
        }
    }

    /// What the variables of a sum get, with the derivative of each pair's value.
    func cotangents(
        seed: Formula, needed: [Bool], over points: Points, within ranges: PairRanges?, counts: (kept: Int, reduced: Int)
    ) throws -> [Tensor?] {
        let variables = variables
        let slopes = try variables.enumerated().map { needed[$0] ? try derivative(for: $1.node, seed: seed) : nil }
        return try Slopes(of: variables, slopes, over: points, within: ranges, counts: counts).summed()
    }

    private static func variable(_ cotangent: Tensor, total: Tensor, of points: Points) -> (cotangent: Formula, total: Formula) {
        points == .x ? (.x(cotangent), .x(total)) : (.y(cotangent), .y(total))
    }

    /// The formula itself, which has to be a scalar.
    func scalar(_ operation: String) throws -> Formula {
        if case .failed(let error) = node.kind { throw error }
        guard node.extent == 1 else {
            throw TensorError.shapeMismatch(operation: operation, expected: "a scalar formula", actual: [[node.extent]])
        }
        return self
    }
}
