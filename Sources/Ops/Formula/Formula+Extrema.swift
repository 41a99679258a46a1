import LossKitKernels

extension Formula {
    /// The largest value over the points of one set, for each point of the other: [n]; NaN where there is one.
    ///
    /// Gradient: to the pair that has it, of equals the first.
    /// - Parameter ranges: The pairs of points x and y that count; nil for all. Each point has to have one.
    /// - Throws: As ``sum(over:within:)``; ``TensorError/shapeMismatch(operation:expected:actual:)`` for vectors,
    ///   ``TensorError/invalidArgument(operation:expected:actual:)`` of no points.
    public func max(over points: Points = .y, within ranges: PairRanges? = nil) throws -> Tensor {
        try extremum("max", over: points, ranges, .maximum)
    }

    /// The smallest value; see ``max(over:within:)``.
    public func min(over points: Points = .y, within ranges: PairRanges? = nil) throws -> Tensor {
        try extremum("min", over: points, ranges, .minimum)
    }

    /// The point with the largest value, int64 [n]: the first of equals, the first NaN where there is one.
    ///
    /// - Throws: As ``max(over:within:)``.
    public func argMax(over points: Points = .y, within ranges: PairRanges? = nil) throws -> Tensor {
        try best("argMax", over: points, ranges, .maximum, 1).places.squeezed(axes: [1])
    }

    /// The point with the smallest value; see ``argMax(over:within:)``.
    public func argMin(over points: Points = .y, within ranges: PairRanges? = nil) throws -> Tensor {
        try best("argMin", over: points, ranges, .minimum, 1).places.squeezed(axes: [1])
    }

    /// The k largest (or smallest) values over the points of one set, for each point of the other, in order, with their points: [n, k]
    /// each, the points int64. Of equals the first come first; NaN counts as the least wanted.
    ///
    /// Gradient: to the pairs that have them.
    /// - Parameter ranges: The pairs of points x and y that count; nil for all. Each point has to have k.
    /// - Throws: As ``max(over:within:)``; ``TensorError/invalidArgument(operation:expected:actual:)`` for more than there are.
    public func topK(
        _ k: Int, over points: Points = .y, largest: Bool = true, within ranges: PairRanges? = nil
    ) throws -> (values: Tensor, indices: Tensor) {
        let (values, places) = try best("topK", over: points, ranges, largest ? .largest : .smallest, k)
        return (try recorded(values, at: places, over: points), places)
    }

    private func extremum(
        _ operation: String, over points: Points, _ ranges: PairRanges?, _ best: FormulaProgram.Best
    ) throws -> Tensor {
        let (values, places) = try self.best(operation, over: points, ranges, best, 1)
        return try recorded(values, at: places, over: points).squeezed(axes: [1])
    }

    private func best(
        _ operation: String, over points: Points, _ ranges: PairRanges?, _ best: FormulaProgram.Best, _ kept: Int
    ) throws -> (values: Tensor, places: Tensor) {
        let problem = try Problem(scalar(operation), over: points, within: points == .y ? ranges : ranges?.transposed)
        let columns = problem.fewestColumns
        guard kept >= 0, Swift.max(kept, 1) <= columns else {
            throw TensorError.invalidArgument(
                operation: "Formula.\(operation)", expected: kept == 1 ? "at least one point" : "k in 0...\(columns)",
                actual: kept == 1 ? "none" : "\(kept)")
        }
        var lowering = Lowering(keeping: points.other)
        let value = try lowering.value(of: self)
        let (values, places) = try problem.keep(lowering, value, best, kept: kept)
        return (values.asType(problem.dtype), places)
    }

    /// The same values connected to the variables: computed again from the pairs themselves where they are being differentiated.
    private func recorded(_ values: Tensor, at places: Tensor, over points: Points) throws -> Tensor {
        guard Tensor.records(variables.map(\.tensor)) else { return values }
        let (rows, kept) = (places.shape[0], places.shape[1])
        let others = try places.flattened()
        let own =
            try kept == 1
            ? nil
            : Tensor.arange(to: Double(rows), on: places.device).asType(.int64).expandedDimensions(at: 1)
                .broadcast(to: [rows, kept]).flattened()
        let paired = try replacingVariables { variable in
            guard let side = variable.points else { return nil }
            let tensor = try side == points ? variable.tensor.take(others) : own.map { try variable.tensor.take($0) } ?? variable.tensor
            return points == .y ? .x(tensor) : .y(tensor)
        }
        return try paired.sum(over: points, width: nil, counts: (rows * kept, 1)).reshaped([rows, kept])
    }
}
