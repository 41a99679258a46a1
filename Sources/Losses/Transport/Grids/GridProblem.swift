import LossKitOps

/// Weights on the points of a regular grid, checked.
struct GridProblem {
    /// [batch, points] in float32, with their history.
    let weights: (x: Tensor, y: Tensor)
    let softMin: GridSoftMin
    let lead: [Int]
    /// Half the squared diagonal.
    let spread: Double

    init(_ a: Tensor, _ b: Tensor, dimensions: Int, spacing: [Double]?, isBalanced: Bool, _ operation: String) throws {
        try require(dimensions > 0, operation, "dimensions above 0", dimensions)
        guard try a.checked().rank >= dimensions, try a.shape == b.checked().shape, a.count > 0 else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "a and b [..., extents] of one shape with \(dimensions) axes or more, not empty",
                actual: [a.shape, b.shape])
        }
        let extents = Array(a.shape.suffix(dimensions))
        let lead = Array(a.shape.dropLast(dimensions))
        let steps = try Self.spacing(spacing, extents: extents, operation)
        let count = extents.reduce(1, *)
        func flat(_ weights: Tensor, _ name: String) throws -> Tensor {
            try requireFloatingPoint(weights, operation)
            try requireAll(weights, operation, "finite weights \(name) that are not negative") { ($0 .>= 0) .&& $0.isFinite() }
            let flat = try weights.asType(.float32).reshaped([lead.reduce(1, *), count])
            let least = try flat.sum(axes: [1]).min().scalar()
            try require(least > 0, operation, "weights \(name) with a sum above 0", "sum \(least)")
            return flat
        }
        self.lead = lead
        weights = (try flat(a, "a"), try flat(b, "b"))
        if isBalanced { try EntropicProblem.checkBalance(weights, operation) }
        softMin = try GridSoftMin(extents: extents, spacing: steps, batch: lead.reduce(1, *), on: a.device)
        spread = Self.spread(extents, steps)
    }

    static func spread(_ extents: [Int], _ spacing: [Double]) -> Double {
        zip(extents, spacing).reduce(0) { $0 + Double($1.0 - 1) * $1.1 * (Double($1.0 - 1) * $1.1) / 2 }
    }

    /// The distance of neighbours along each axis: 1 / the largest extent where none is given, and one for all where one is.
    static func spacing(_ given: [Double]?, extents: [Int], _ operation: String) throws -> [Double] {
        guard let given else { return extents.map { _ in 1 / Double(extents.max() ?? 1) } }
        try require(
            (given.count == 1 || given.count == extents.count) && given.allSatisfy { $0 > 0 && $0.isFinite }, operation,
            "a finite spacing above 0 for each of \(extents.count) axes, or one for all", given)
        return given.count == 1 ? extents.map { _ in given[0] } : given
    }
}

func requireEpsilon(_ epsilon: Double, _ operation: String) throws {
    // Its reciprocal is taken in float32.
    try require(epsilon >= 1e-30 && epsilon.isFinite, operation, "a finite epsilon of at least 1e-30", epsilon)
}
