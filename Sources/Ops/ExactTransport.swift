import LossKitKernels

/// An assignment of rows to columns.
public struct Assignment: Sendable {
    /// [..., n] int64: the column of each row, -1 for a row that is left over.
    public let columns: Tensor
    /// [...]: the sum of the costs of the pairs, differentiable with respect to the costs: 1 for a pair, else 0.
    public let cost: Tensor
}

/// The pairs of rows and columns, none used twice and as many as fit, of least total cost; SciPy's `linear_sum_assignment`.
///
/// - Parameter cost: [..., n, m], finite floating point.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` for a cost that is not finite.
/// - Note: Exact, by shortest augmenting paths on the host in float64, O(n^2 m): seconds for some thousands. Jonker and Volgenant, A
///   Shortest
///   Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems, 1987.
public func assignment(cost: Tensor) throws -> Assignment {
    let (costs, n, m) = try exactCosts(cost, "assignment")
    let isTall = n > m
    let columns = costs.flatMap { cost -> [Int64] in
        var found = [Int64](repeating: -1, count: n)
        guard n > 0, m > 0 else { return found }
        let wide = isTall ? (0..<n * m).map { cost[$0 % n * m + $0 / n] } : cost
        let (few, many) = (Swift.min(n, m), Swift.max(n, m))
        let solved = ExactTransport(
            cost: wide, supply: [Double](repeating: 1, count: few), demand: [Double](repeating: 1, count: many))
        for place in solved.plan.indices where solved.plan[place] > 0.5 {
            let (many, few) = (place / few, place % few)
            if isTall { found[many] = Int64(few) } else { found[few] = Int64(many) }
        }
        return found
    }
    let lead = Array(cost.shape.dropLast(2))
    let places = try Tensor(columns, shape: lead + [n], on: cost.device)
    guard n > 0, m > 0 else { return Assignment(columns: places, cost: try cost.sum(axes: [-1, -2])) }
    let isPaired = try (places .>= 0).expandedDimensions(at: -1)
    let taken = try cost.takeAlongAxis(Tensor.maximum(places, places * 0).expandedDimensions(at: -1), axis: -1)
    let zero = try Tensor.zeros([], dtype: cost.dtype, on: cost.device)
    return Assignment(columns: places, cost: try Tensor.select(isPaired, taken, zero).sum(axes: [-1, -2]))
}

/// An exact solution of optimal transport.
public struct ExactTransportSolution: Sendable {
    /// [n, m], not negative, with the masses a and b as its marginals; a vertex, so at most n + m - 1 entries are not 0.
    public let plan: Tensor
    /// The sum of plan times cost. Gradient: the plan for the cost, the potentials for the masses, which there are right up to a constant.
    public let cost: Tensor
    /// [n] and [m]: dual potentials, whose sums are at most the cost and equal it where mass moves; the masses' sums of both are equal.
    public let potentials: (x: Tensor, y: Tensor)
}

/// The plan of least cost between masses; POT's `emd`.
///
/// `min <P, C>, P >= 0, P 1 = a, P^T 1 = b`.
/// - Parameters:
///   - a: [n], finite and not negative.
///   - b: [m], of the same sum up to 1e-4 of it; scaled to exactly that.
///   - cost: [n, m], finite floating point.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` for costs or masses that are not as above.
/// - Note: Successive shortest paths on the host in float64, O((n + m) n m): for hundreds of points. The value is rounded once.
public func exactTransport(a: Tensor, b: Tensor, cost: Tensor) throws -> ExactTransportSolution {
    let operation = "exactTransport"
    guard try cost.checked().rank == 2, try a.checked().shape == [cost.shape[0]], try b.checked().shape == [cost.shape[1]], cost.count > 0
    else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "masses [n] and [m] for costs [n, m], n and m above 0", actual: [a.shape, b.shape, cost.shape])
    }
    let (costs, n, m) = try exactCosts(cost, operation)
    let (supply, given) = (try stopGradient(a).array(of: Double.self), try stopGradient(b).array(of: Double.self))
    if let wrong = (supply + given).first(where: { !($0 >= 0 && $0.isFinite) }) {
        throw TensorError.invalidArgument(operation: operation, expected: "finite masses that are not negative", actual: "\(wrong)")
    }
    let (total, other) = (supply.reduce(0, +), given.reduce(0, +))
    guard total > 0, abs(total - other) <= 1e-4 * total else {
        throw TensorError.invalidArgument(operation: operation, expected: "equal masses above 0", actual: "\(total) and \(other)")
    }
    let solved = ExactTransport(cost: costs[0], supply: supply, demand: given.map { $0 * (total / other) })
    var (u, v) = solved.potentials
    func weighted(_ potential: [Double], _ mass: [Double]) -> Double { zip(potential, mass).reduce(0) { $0 + $1.0 * $1.1 } }
    let shift = (weighted(v, given) / other - weighted(u, supply) / total) / 2
    for i in u.indices { u[i] += shift }
    for j in v.indices { v[j] -= shift }
    let value = (0..<n * m).reduce(0.0) { $0 + solved.plan[$1 % m * n + $1 / m] * costs[0][$1] }
    func exact(_ values: [Double], _ shape: [Int]) throws -> Tensor {
        try Tensor(values, shape: shape, dtype: cost.dtype, on: cost.device)
    }
    let plan = try exact(solved.plan, [m, n]).transposed()
    let potentials = (x: try exact(u, [n]), y: try exact(v, [m]))
    let recorded = Tensor.record("exactTransport", inputs: [cost, a, b], output: try exact([value], [])) { pullback in
        let c = pullback.cotangent
        return [plan * c, (potentials.x * c).asType(a.dtype), (potentials.y * c).asType(b.dtype)]
    }
    return ExactTransportSolution(plan: plan, cost: recorded, potentials: potentials)
}

/// Every matrix of costs in row-major order, checked.
private func exactCosts(_ cost: Tensor, _ operation: String) throws -> (costs: [[Double]], n: Int, m: Int) {
    guard try cost.checked().rank >= 2 else {
        throw TensorError.shapeMismatch(operation: operation, expected: "costs [..., n, m]", actual: [cost.shape])
    }
    guard cost.dtype.isFloatingPoint else {
        throw TensorError.dtypeMismatch(operation: operation, expected: "floating-point costs", actual: [cost.dtype])
    }
    let (n, m) = (cost.shape[cost.rank - 2], cost.shape[cost.rank - 1])
    let values = try stopGradient(cost).array(of: Double.self)
    if let wrong = values.first(where: { !$0.isFinite }) {
        throw TensorError.invalidArgument(operation: operation, expected: "finite costs", actual: "\(wrong)")
    }
    let count = cost.shape.dropLast(2).reduce(1, *)
    return ((0..<count).map { Array(values[$0 * n * m..<($0 + 1) * n * m]) }, n, m)
}
