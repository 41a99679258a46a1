import LossKitOps

/// What it costs to move a unit of mass.
///
/// Conventions, and what they are elsewhere:
///
/// | here | GeomLoss (`SamplesLoss`) | POT | OTT |
/// |---|---|---|---|
/// | cost `abs(x - y)^2 / 2` | `p=2`; of the rewritten `geomloss.ot` twice that | half of `sqeuclidean` | half of `SqEuclidean` |
/// | cost `abs(x - y)` | `p=1` | `euclidean` | `Euclidean` |
/// | epsilon | `blur^p`; rewritten `2 blur^2` for twice the cost | `reg` | `epsilon` |
/// | rho | `reach^p` | `reg_m` | `tau = rho / (rho + epsilon)` |
/// | entropy `KL(P, a b)` | the same | `reg_type="kl"`; `sinkhorn` takes `sum P log P`: add `epsilon (H(a) + H(b))` to its objective |
/// the same |
///
/// Scaling cost and epsilon by one number scales the value and the potentials by it and leaves the plan.
public enum TransportCost: Sendable {
    /// `abs(x - y)^power / power` of points [..., n, d] and [..., m, d], power 1 or 2: online, but see
    /// ``EntropicTransportOptions/linearMemory``.
    case points(Tensor, Tensor, power: Int)
    /// Any cost, as matrices [..., n, m].
    case matrix(Tensor)

    /// An epsilon, or a rho, from GeomLoss' `blur`, or `reach`: a length.
    public static func epsilon(blur: Double, power: Int = 2) -> Double { power == 1 ? blur : blur * blur }

    /// A rho from OTT's `tau`.
    public static func rho(tau: Double, epsilon: Double) -> Double { epsilon * tau / (1 - tau) }

    /// The shape without points and coordinates, and the numbers of points.
    var extents: (lead: [Int], n: Int, m: Int) {
        switch self {
        case .points(let x, let y, _): (Array(x.shape.dropLast(2)), x.shape[x.rank - 2], y.shape[y.rank - 2])
        case .matrix(let costs): (Array(costs.shape.dropLast(2)), costs.shape[costs.rank - 2], costs.shape[costs.rank - 1])
        }
    }

    /// The tensors that a derivative is carried to.
    var inputs: [Tensor] {
        switch self {
        case .points(let x, let y, _): [x, y]
        case .matrix(let costs): [costs]
        }
    }

    /// The same cost of other tensors.
    func of(_ inputs: [Tensor]) -> TransportCost {
        switch self {
        case .points(_, _, let power): .points(inputs[0], inputs[1], power: power)
        case .matrix: .matrix(inputs[0])
        }
    }

    /// Costs of a range of rows [..., rows, m].
    func matrix(rows: Range<Int>) throws -> Tensor {
        switch self {
        case .points(let x, let y, let power):
            let part = try x.slice(axis: -2, from: rows.lowerBound, to: rows.upperBound)
            return power == 1
                ? try pairwiseDistance(part, y, metric: .euclidean) : try pairwiseDistance(part, y, metric: .squaredEuclidean) * 0.5
        case .matrix(let costs): return try costs.slice(axis: -2, from: rows.lowerBound, to: rows.upperBound)
        }
    }

    /// Checked, in float32, with one leading axis.
    func prepared(_ operation: String) throws -> TransportCost {
        func flat(_ tensor: Tensor) throws -> Tensor {
            try tensor.asType(.float32).reshaped([tensor.shape.dropLast(2).reduce(1, *)] + tensor.shape.suffix(2))
        }
        switch self {
        case .points(let x, let y, let power):
            guard try x.checked().rank >= 2, try y.checked().rank == x.rank, x.shape[x.rank - 1] == y.shape[y.rank - 1],
                x.shape.dropLast(2) == y.shape.dropLast(2), x.count > 0 || x.shape[x.rank - 1] == 0, x.shape[x.rank - 2] > 0,
                y.shape[y.rank - 2] > 0
            else {
                throw TensorError.shapeMismatch(
                    operation: operation, expected: "points [n, d] and [m, d], n and m above 0, with equal leading axes",
                    actual: [x.shape, y.shape])
            }
            try require(power == 1 || power == 2, operation, "power 1 or 2", power)
            for points in [x, y] {
                if let row = try points.isFinite().all(axes: [-1]).booleans().firstIndex(of: false) {
                    throw TensorError.invalidArgument(operation: operation, expected: "finite coordinates", actual: "point \(row) is not")
                }
            }
            return .points(try flat(x), try flat(y), power: power)
        case .matrix(let costs):
            guard try costs.checked().rank >= 2, costs.count > 0 else {
                throw TensorError.shapeMismatch(operation: operation, expected: "costs [..., n, m], n and m above 0", actual: [costs.shape])
            }
            try require(costs.isFinite().all().booleans()[0], operation, "finite costs", "others")
            return .matrix(try flat(costs))
        }
    }

    /// Soft minima of the cost of prepared inputs, and about how much the largest cost is above the least.
    func softMin(isLinearInMemory: Bool) throws -> (softMin: SoftMin, spread: Double) {
        switch self {
        case .points(let x, let y, let power):
            // Far from the origin squared distances would be lost in rounding.
            let centre = try stopGradient(x).mean(axes: [1], keepDimensions: true)
            let isSame = x.isSame(as: y)
            let first = try (stopGradient(x) - centre).evaluated()
            let (x, y) = (first, isSame ? first : try (stopGradient(y) - centre).evaluated())
            return (try SoftMin(x, y, power: power, isLinearInMemory: isLinearInMemory), try Self.spread(x, y, power: power))
        case .matrix(let costs):
            let costs = stopGradient(costs)
            return (try SoftMin(costs: costs), try (costs.max() - costs.min()).scalar())
        }
    }

    /// About the largest cost between points [batch, n, d] and [batch, m, d].
    static func spread(_ x: Tensor, _ y: Tensor, power: Int) throws -> Double {
        guard x.shape[2] > 0 else { return 0 }
        let low = try Tensor.minimum(x.min(axes: [1]), y.min(axes: [1]))
        let high = try Tensor.maximum(x.max(axes: [1]), y.max(axes: [1]))
        let diameter = try (high - low).norm(axes: [1]).max().scalar()
        return power == 1 ? diameter : diameter * diameter / 2
    }

    /// Weights as [batch, count] in float32, each summing to 1 where none are given.
    static func weights(_ given: Tensor?, lead: [Int], count: Int, like other: Tensor, _ operation: String) throws -> Tensor {
        let batch = lead.reduce(1, *)
        guard let given else { return try .full([batch, count], 1 / Double(count), on: other.device) }
        guard try given.checked().shape == lead + [count] || given.shape == [count] else {
            throw TensorError.shapeMismatch(operation: operation, expected: "weights \(lead + [count])", actual: [given.shape])
        }
        let isValid = try ((given .>= 0) .&& given.isFinite()).all().booleans()[0]
        try require(isValid, operation, "finite weights that are not negative", "others")
        try require(try given.sum(axes: [-1]).min().scalar() > 0, operation, "weights with a sum above 0", "sum 0")
        return try given.asType(.float32).broadcast(to: lead + [count]).reshaped([batch, count])
    }
}
