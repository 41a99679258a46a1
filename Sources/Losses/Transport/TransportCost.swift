import LossKitOps

/// What it costs to move a unit of mass, and the one place where conventions are stated.
///
/// Here: `C = abs(x - y)^2 / 2` (power 2) or `abs(x - y)` (power 1), `epsilon` in C's units with the entropy `KL(P | a b)`, and a penalty
/// `rho KL(marginal | weights)` in the same units. To scale cost, epsilon and rho by one number scales value and potentials by it and leaves
/// the plan, so that what others do with another multiple of the cost is this:
///
/// | here | GeomLoss (`SamplesLoss`) | POT | OTT |
/// |---|---|---|---|
/// | C, power 2 | `p=2` | half of `sqeuclidean` | half of `SqEuclidean` |
/// | C, power 1 | `p=1` | `euclidean` | `Euclidean` |
/// | epsilon | `blur^p` | `reg` of C, `2 epsilon` of `sqeuclidean` | `epsilon` of C, `2 epsilon` of `SqEuclidean` |
/// | ... with `scale_cost` | | | `epsilon` times the scale is that of the unscaled cost |
/// | rho | `reach^p` | `reg_m`, `2 rho` of `sqeuclidean` | `tau = rho / (rho + epsilon)` |
/// | balanced value | `debias=False` | `solve`'s with `reg_type="KL"`; with `"entropy"` less `epsilon (H(a) + H(b))` | `reg_ot_cost` |
/// | unbalanced value | the same with `reach` | `reg_type="kl"` | the entropy is `sum P log P`: that of `C + epsilon log(a b)` here |
/// | annealing | `scaling^p`, GeomLoss' `diameter` is found | | |
///
/// The rewritten `geomloss.ot` has the cost `abs(x - y)^2` with epsilon `2 blur^2`: twice these values.
public enum TransportCost: Sendable {
    /// `abs(x - y)^power / power` of points [..., n, d] and [..., m, d], power 1 or 2: online, but see
    /// ``EntropicTransportOptions/linearMemory``.
    case points(Tensor, Tensor, power: Int)
    /// Any cost, as matrices [..., n, m].
    case matrix(Tensor)
    /// Any cost of points [..., n, d] and [..., m, e], as a formula of one of each: online in O(n + m) memory, but see
    /// ``EntropicTransportOptions/linearMemory``; a reduction for each of a batch. Derivatives go to the points and to parameters,
    /// ``Formula/parameter(_:)``.
    case formula(Tensor, Tensor, @Sendable (_ x: Formula, _ y: Formula) -> Formula)

    /// The distance of points [..., n, d] and [..., m, d] by a metric, as a formula: ``points(_:_:power:)`` is faster for Euclidean ones.
    public static func metric(_ metric: Metric, _ x: Tensor, _ y: Tensor) -> TransportCost {
        .formula(x, y) { $0.distance(to: $1, metric: metric) }
    }

    /// The same on a sphere, of places on the earth or in hyperbolic space.
    public static func metric(_ metric: CurvedMetric, _ x: Tensor, _ y: Tensor) -> TransportCost {
        .formula(x, y) { $0.distance(to: $1, metric: metric) }
    }

    /// An epsilon, or a rho, from GeomLoss' `blur`, or `reach`: a length.
    public static func epsilon(blur: Double, power: Int = 2) -> Double { power == 1 ? blur : blur * blur }

    /// A rho from OTT's `tau`.
    public static func rho(tau: Double, epsilon: Double) -> Double { epsilon * tau / (1 - tau) }

    /// The shape without points and coordinates, and the numbers of points.
    var extents: (lead: [Int], n: Int, m: Int) {
        switch self {
        case .points(let x, let y, _): (Array(x.shape.dropLast(2)), x.shape[x.rank - 2], y.shape[y.rank - 2])
        case .matrix(let costs): (Array(costs.shape.dropLast(2)), costs.shape[costs.rank - 2], costs.shape[costs.rank - 1])
        case .formula(let x, let y, _): (Array(x.shape.dropLast(2)), x.shape[x.rank - 2], y.shape[y.rank - 2])
        }
    }

    /// Ranges of rows whose pairs, and what they are made of, are held at once.
    var blocks: [Range<Int>] {
        let (lead, n, m) = extents
        var width = 1
        if case .formula(let x, let y, _) = self { width = max(x.shape[x.rank - 1], y.shape[y.rank - 1], 1) }
        return FormulaSoftMin.blocks(rows: n, columns: lead.reduce(m, *), width: width)
    }

    /// The points y, where there are some.
    var targets: Tensor? {
        switch self {
        case .points(_, let y, _), .formula(_, let y, _): y
        case .matrix: nil
        }
    }

    /// The tensors that a derivative is carried to.
    var inputs: [Tensor] {
        switch self {
        case .points(let x, let y, _): [x, y]
        case .matrix(let costs): [costs]
        case .formula(let x, let y, let cost): [x, y] + Self.parameters(cost, x, y)
        }
    }

    /// The same cost of other tensors.
    func of(_ inputs: [Tensor]) -> TransportCost {
        switch self {
        case .points(_, _, let power): .points(inputs[0], inputs[1], power: power)
        case .matrix: .matrix(inputs[0])
        case .formula(_, _, let cost):
            .formula(inputs[0], inputs[1]) { cost($0, $1).replacingParameters(Array(inputs.dropFirst(2))) }
        }
    }

    /// What all pairs of a formula share.
    private static func parameters(_ cost: FormulaSoftMin.Cost, _ x: Tensor, _ y: Tensor) -> [Tensor] {
        func first(_ points: Tensor) -> Tensor { points.rank > 2 ? first(points[0]) : points }
        return cost(.x(first(x)), .y(first(y))).parameters
    }

    /// Costs of a range of rows [..., rows, m].
    func matrix(rows: Range<Int>) throws -> Tensor {
        switch self {
        case .points(let x, let y, let power):
            let part = try x.slice(axis: -2, from: rows.lowerBound, to: rows.upperBound)
            return power == 1
                ? try pairwiseDistance(part, y, metric: .euclidean) : try pairwiseDistance(part, y, metric: .squaredEuclidean) * 0.5
        case .matrix(let costs): return try costs.slice(axis: -2, from: rows.lowerBound, to: rows.upperBound)
        case .formula(let x, let y, let cost):
            let part = try x.slice(axis: 1, from: rows.lowerBound, to: rows.upperBound)
            return try Tensor.stack((0..<x.shape[0]).map { try FormulaSoftMin.formula(cost, part, y, $0).matrix() })
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
            for points in [x, y] { try requireAll(points, operation, "finite coordinates") { $0.isFinite() } }
            return .points(try flat(x), try flat(y), power: power)
        case .matrix(let costs):
            guard try costs.checked().rank >= 2, costs.count > 0 else {
                throw TensorError.shapeMismatch(operation: operation, expected: "costs [..., n, m], n and m above 0", actual: [costs.shape])
            }
            try requireAll(costs, operation, "finite costs") { $0.isFinite() }
            return .matrix(try flat(costs))
        case .formula(let x, let y, let cost):
            guard try x.checked().rank >= 2, try y.checked().rank == x.rank, x.shape.dropLast(2) == y.shape.dropLast(2), x.count > 0,
                y.count > 0
            else {
                throw TensorError.shapeMismatch(
                    operation: operation, expected: "points [n, d] and [m, e] of a formula, none of them 0, with equal leading axes",
                    actual: [x.shape, y.shape])
            }
            for points in [x, y] { try requireAll(points, operation, "finite coordinates") { $0.isFinite() } }
            let shared = Self.parameters(cost, x, y).map { $0.asType(.float32) }
            return of([try flat(x), try flat(y)] + shared)
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
            let given = (x: x, y: y)
            let (x, y) = (first, isSame ? first : try (stopGradient(y) - centre).evaluated())
            let softMin = try SoftMin(x, y, given: given, power: power, isLinearInMemory: isLinearInMemory)
            return (softMin, try Self.spread(x, y, power: power))
        case .matrix(let costs):
            let costs = stopGradient(costs)
            return (try SoftMin(costs: costs), try (costs.max() - costs.min()).scalar())
        case .formula(let x, let y, let cost):
            let softMin = try FormulaSoftMin(x, y, cost: cost)
            let spread = try softMin.spread()
            try require(spread.isFinite, "entropicTransport", "finite costs", "a formula whose costs differ by \(spread)")
            return (SoftMin(softMin, isLinearInMemory: isLinearInMemory), spread)
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
        try requireAll(given, operation, "finite weights that are not negative") { ($0 .>= 0) .&& $0.isFinite() }
        try require(try given.sum(axes: [-1]).min().scalar() > 0, operation, "weights with a sum above 0", "sum 0")
        return try given.asType(.float32).broadcast(to: lead + [count]).reshaped([batch, count])
    }
}
