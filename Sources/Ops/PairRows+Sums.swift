import LossKitKernels

extension PairRows {
    /// A function of u = scale v + shift that is summed over a row's columns.
    package enum Term: Sendable {
        /// u itself; the slope is the number of columns.
        case identity
        /// log(1 + exp u).
        case softplus
        /// max(0, u); the slope is the number of columns where that is above 0.
        case hinge
        /// max(0, u)^2.
        case squaredHinge

        fileprivate var reduction: RowPairs.Reduction {
            switch self {
            case .identity: .identity
            case .softplus: .softplus
            case .hinge: .hinge
            case .squaredHinge: .squaredHinge
            }
        }
    }

    /// log sum_j exp(scale v_ij + shift_i) of each row i over the selected columns, [n]; -infinity, with gradient 0, where there are none.
    ///
    /// Gradient: softmax weights times scale, for x and for y; 1 for the shift. As often differentiable as wanted.
    /// - Parameters:
    ///   - shift: [n], or nil for 0.
    ///   - lower: [n], held still: only columns with v_ij above it take part, for mining.
    ///   - upper: [n], held still: only columns with v_ij below it.
    package func logSumExp(
        over selection: Selection = .all, scale: Double = 1, shift: Tensor? = nil, lower: Tensor? = nil, upper: Tensor? = nil
    ) throws -> Tensor {
        try Sum(self, .logSumExp, selection, scale, lower, upper)(shift).value
    }

    /// sum_j f(scale v_ij + shift_i) of each row i over the selected columns, [n]; 0 where there are none.
    ///
    /// - Returns: The sums, and the sums of f' (a constant, through which no derivative is carried): numbers of columns for f piecewise
    ///   linear.
    package func sum(
        _ term: Term, over selection: Selection = .all, scale: Double = 1, shift: Tensor? = nil, lower: Tensor? = nil,
        upper: Tensor? = nil
    ) throws -> (value: Tensor, slope: Tensor) {
        try Sum(self, term.reduction, selection, scale, lower, upper)(shift)
    }
}

extension Tensor {
    /// log(exp a + exp b), minus infinity standing for nothing: joins log sum exps over two sets of columns.
    package static func logAddExp(_ a: Tensor, _ b: Tensor) -> Tensor {
        let joined: Tensor = a + (b - a).softplus()
        return select(a .== -Double.infinity, b, joined)
    }
}

/// One reduction of the rows, with its derivative.
private struct Sum: Sendable {
    let pairs: PairRows
    let reduction: RowPairs.Reduction
    let selection: PairRows.Selection
    let scale: Double
    let lower: Tensor?
    let upper: Tensor?

    init(
        _ pairs: PairRows, _ reduction: RowPairs.Reduction, _ selection: PairRows.Selection, _ scale: Double, _ lower: Tensor?,
        _ upper: Tensor?
    ) throws {
        (self.pairs, self.reduction, self.selection, self.scale) = (pairs, reduction, selection, scale)
        self.lower = try lower.map { try Self.row($0, pairs) }
        self.upper = try upper.map { try Self.row($0, pairs) }
    }

    private static func row(_ tensor: Tensor, _ pairs: PairRows) throws -> Tensor {
        guard try tensor.checked().shape == [pairs.n] else {
            throw TensorError.shapeMismatch(operation: "PairRows", expected: "one number a row, [\(pairs.n)]", actual: [tensor.shape])
        }
        guard tensor.device == pairs.device else {
            throw TensorError.deviceMismatch(operation: "PairRows", devices: ["\(pairs.device)", "\(tensor.device)"])
        }
        return try stopGradient(tensor).asType(.float32).packed().evaluated()
    }

    private func kernel(_ shift: Tensor?) throws -> RowPairs {
        var kernel = try pairs.kernel(reduction, over: selection, scale: scale, shift: shift)
        kernel.lower = try lower?.slice()
        kernel.upper = try upper?.slice()
        return kernel
    }

    func callAsFunction(_ shift: Tensor?) throws -> (value: Tensor, slope: Tensor) {
        let added = try shift.map { try Self.row($0, pairs) }
        let kernel = try kernel(added)
        guard pairs.m > 0 else {
            let nothing = try Tensor.full([pairs.n], reduction == .logSumExp ? -Double.infinity : 0, on: pairs.device)
            return (nothing, try .zeros([pairs.n], on: pairs.device))
        }
        let value = try Tensor.empty([pairs.n], dtype: .float32, on: pairs.device)
        let slope = try Tensor.empty([pairs.n], dtype: .float32, on: pairs.device)
        let blocks = try pairs.blocks()
        try blocks.forEachBlock { rows, values in
            try blocks.values(of: rows, into: values)
            try kernel.reduce(values, rows: rows, into: value.output(), slope: slope.output(), on: pairs.device)
        }
        let inputs = [pairs.x, pairs.y] + (shift.map { [$0] } ?? [])
        let output = Tensor.record("pairRows", inputs: inputs, output: value, savingOutput: true) { [self] pullback in
            try gradient(pullback, shift: shift, added: added, slope: slope)
        }
        return (output, slope)
    }

    private func gradient(_ pullback: Pullback, shift: Tensor?, added: Tensor?, slope: Tensor) throws -> [Tensor?] {
        let cotangent = pullback.cotangent
        let inputs = [pairs.x, pairs.y] + (shift.map { [$0] } ?? [])
        guard !Tensor.records(inputs + [cotangent]) else {
            // All pairs are held, as their derivatives have derivatives of their own.
            return try LossKitOps.gradient(at: inputs) { points in
                try (dense(points[0], points[1], shift: shift == nil ? nil : points[2]) * cotangent).sum()
            }
        }
        let (kernel, value) = (try kernel(added), pullback.outputs[0])
        let given = cotangent.asType(.float32).packed()
        let points = try pairs.pullback(isNeeded: pullback.isNeeded) { rows, values, weight in
            try kernel.weights(values, rows: rows, out: value.slice(), cotangent: given.slice(), into: weight, on: pairs.device)
        }
        guard let shift else { return points }
        let zero = try Tensor.zeros([], on: pairs.device)
        let rise = reduction == .logSumExp ? Tensor.select(value .== -Double.infinity, zero, given) : given * slope
        return points + [pullback.isNeeded[2] ? rise.asType(shift.dtype) : nil]
    }

    /// The same in tensor operations.
    private func dense(_ x: Tensor, _ y: Tensor, shift: Tensor?) throws -> Tensor {
        let values: Tensor =
            switch pairs.measure {
            case .dot: try x.matmul(y.transposed())
            case .squaredEuclidean: try pairwiseDistance(x, y, metric: .squaredEuclidean)
            case .euclidean: try pairwiseDistance(x, y, metric: .euclidean)
            }
        var u = values * scale
        if let shift { u = try u + shift.asType(.float32).expandedDimensions(at: 1) }
        let isTaken = try taken(values)
        let zero = try Tensor.zeros([], on: pairs.device)
        let positive = u.relu()
        switch reduction {
        case .logSumExp:
            let isAny = try isTaken.any(axes: [1])
            let nothing = try Tensor.full([], -Double.infinity, on: pairs.device)
            let column = try isAny.expandedDimensions(at: 1)
            let total = try Tensor.select(isTaken, u, Tensor.select(column, nothing, zero)).logSumExp(axes: [1])
            return Tensor.select(isAny, total, nothing)
        case .softplus: return try Tensor.select(isTaken, u.softplus(), zero).sum(axes: [1])
        case .hinge: return try Tensor.select(isTaken, positive, zero).sum(axes: [1])
        case .squaredHinge: return try Tensor.select(isTaken, positive * positive, zero).sum(axes: [1])
        default: return try Tensor.select(isTaken, u, zero).sum(axes: [1])
        }
    }

    /// The mask of all pairs.
    private func taken(_ values: Tensor) throws -> Tensor {
        let held = stopGradient(values)
        var mask = try pairs.mask(selection)
        if let lower { mask = mask .&& !(held .<= (try lower.expandedDimensions(at: 1))) }
        if let upper { mask = mask .&& !(held .>= (try upper.expandedDimensions(at: 1))) }
        return mask
    }
}
