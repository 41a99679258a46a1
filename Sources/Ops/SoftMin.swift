import LossKitDevice
import LossKitKernels

/// The soft minima of a cost plus a potential between two weighted sets, for each of a batch: the one operation of which entropic optimal
/// transport is made.
///
/// `soft_i = -epsilon log sum_j w_j exp((u_j - C_ij) / epsilon)`, over the columns for the rows or the other way round; online from points
/// in
/// O(n + m) memory, or from matrices. One launch each.
package struct SoftMin: Sendable {
    /// Which of both sets the minima are of.
    package enum Side: Sendable {
        /// Of the rows x, over y.
        case x
        /// Of the columns y, over x.
        case y
    }

    private(set) var points: (x: Tensor, y: Tensor)
    private var columns: (x: Tensor, y: Tensor)
    /// The points and columns that doubles are formed of: what was given, since centring rounds.
    private(set) var given: (points: (x: Tensor, y: Tensor), columns: (x: Tensor, y: Tensor))
    /// Costs by rows and by columns, where they are held.
    private(set) var costs: (x: Tensor, y: Tensor)?
    /// What finds them otherwise, where pairs have a structure.
    private var structure: (any SoftMinStructure)?
    /// The same where it is a formula's, which has more to it.
    private(set) var formula: FormulaSoftMin?
    /// What knows the pairs that matter, where that is worth while.
    private(set) var near: NearSoftMin?
    let cost: SoftMinKernels.Cost
    /// Extents.
    package let batch: Int
    package private(set) var n: Int
    package private(set) var m: Int
    let d: Int
    private let isLinearInMemory: Bool

    /// The most costs of points that are held, each twice.
    private static let heldCosts = 1 << 23
    /// The most pairs of points for which a kernel is held: in few dimensions exponentials are as fast as memory beyond the caches.
    private static let heldKernel = (few: 1 << 25, many: 1 << 29)

    /// C = |x - y|^2 / 2 (power 2) or |x - y| (power 1) between float32 points [batch, n, d] and [batch, m, d]; of one tensor with itself
    /// all is held once. `given` are the points before they were centred.
    package init(
        _ x: Tensor, _ y: Tensor, given: (x: Tensor, y: Tensor)? = nil, power: Int, isLinearInMemory: Bool
    ) throws {
        func held(_ x: Tensor, _ y: Tensor) throws -> (points: (x: Tensor, y: Tensor), columns: (x: Tensor, y: Tensor)) {
            let isSame = x.isSame(as: y)
            let x = try stopGradient(x).packed().evaluated()
            let y = isSame ? x : try stopGradient(y).packed().evaluated()
            let columnsOfX = try x.swappingAxes(1, 2).packed().evaluated()
            return ((x, y), (columnsOfX, isSame ? columnsOfX : try y.swappingAxes(1, 2).packed().evaluated()))
        }
        (points, columns) = try held(x, y)
        self.given = try given.map { try held($0.x, $0.y) } ?? (points, columns)
        let (x, y) = points
        (batch, n, m, d) = (x.shape[0], x.shape[1], y.shape[1], x.shape[2])
        cost = power == 1 ? .distance : .halfSquare
        self.isLinearInMemory = isLinearInMemory
        costs = nil
    }

    /// The same where many soft minima are to be found: with costs held, or the pairs that matter, where that is faster.
    package func prepared() throws -> SoftMin {
        let count = batch * n * m
        if structure == nil, let near = try near ?? NearSoftMin(self) {
            var copy = self
            copy.near = near
            return copy
        }
        // A formula takes longer than a few coordinates do.
        let isHeld = Self.holdsCosts(
            count: count, d: formula == nil ? d : .max, isLinearInMemory: isLinearInMemory, on: points.x.device)
        guard cost != .matrix, costs == nil, !isStructured, isHeld else { return self }
        let byRows = try formula?.costs() ?? Self.costs(points.x, points.y, power: cost == .distance ? 1 : 2)
        var copy = self
        // A formula need not be the same with its points exchanged.
        let isSymmetric = formula == nil && points.x.isSame(as: points.y)
        copy.costs = (byRows, isSymmetric ? byRows : try byRows.swappingAxes(1, 2).packed().evaluated())
        return copy
    }

    /// Whether so many costs of points in d dimensions are held: where that is faster.
    static func holdsCosts(count: Int, d: Int, isLinearInMemory: Bool, on device: Device) -> Bool {
        let isGPU = device.kind == .gpu || device.kind == .accelerator
        if isLinearInMemory || isGPU || d <= 8 { return false }
        return count <= heldCosts
    }

    /// The costs between points.
    static func costs(_ x: Tensor, _ y: Tensor, power: Int) throws -> Tensor {
        guard power != 1 else { return try pairwiseDistance(x, y, metric: .euclidean).evaluated() }
        return try (pairwiseDistance(x, y, metric: .squaredEuclidean) * 0.5).evaluated()
    }

    /// C as float32 matrices [batch, n, m], of which a transposed copy is held too.
    package init(costs: Tensor) throws {
        let byRows = try stopGradient(costs).packed().evaluated()
        self.costs = (byRows, try byRows.swappingAxes(1, 2).packed().evaluated())
        points = (byRows, byRows)
        columns = (byRows, byRows)
        given = (points, columns)
        (batch, n, m, d) = (costs.shape[0], costs.shape[1], costs.shape[2], 0)
        (cost, isLinearInMemory) = (.matrix, false)
    }

    /// Of a cost that is a formula.
    package init(_ formula: FormulaSoftMin, isLinearInMemory: Bool) {
        self.init(structure: formula, isLinearInMemory: isLinearInMemory)
        self.formula = formula
    }

    /// Of a cost that is known to a structure of the pairs.
    package init(_ structure: any SoftMinStructure) { self.init(structure: structure, isLinearInMemory: true) }

    private init(structure: any SoftMinStructure, isLinearInMemory: Bool) {
        self.structure = structure
        points = (structure.sample, structure.sample)
        columns = points
        given = (points, points)
        (batch, n, m, d) = (structure.batch, structure.counts.x, structure.counts.y, 0)
        (cost, self.isLinearInMemory) = (.halfSquare, isLinearInMemory)
    }

    /// Whether pairs have a structure, so that neither some of the points nor doubles are had from it.
    package var isStructured: Bool { structure != nil && formula == nil }

    /// Whether a kernel may be held beside the points: on a processor, within the limit.
    package var holdsKernel: Bool {
        let isGPU = points.x.device.kind == .gpu || points.x.device.kind == .accelerator
        if isLinearInMemory || isGPU || structure != nil { return false }
        return batch * n * m <= (cost != .matrix && d <= 3 ? Self.heldKernel.few : Self.heldKernel.many)
    }

    /// The same within one set, of points online.
    package func within(_ side: Side) -> SoftMin {
        var own = self
        let (set, byCoordinate, count) = side == .x ? (points.x, columns.x, n) : (points.y, columns.y, m)
        own.points = (x: set, y: set)
        own.columns = (x: byCoordinate, y: byCoordinate)
        let (exact, exactByCoordinate) = side == .x ? (given.points.x, given.columns.x) : (given.points.y, given.columns.y)
        own.given = ((exact, exact), (exactByCoordinate, exactByCoordinate))
        (own.costs, own.near) = (nil, nil)
        own.n = count
        own.m = count
        return own
    }

    /// The same on the CPU.
    func onCPU() throws -> SoftMin {
        func both(_ pair: (x: Tensor, y: Tensor)) throws -> (x: Tensor, y: Tensor) { (try pair.x.to(.cpu), try pair.y.to(.cpu)) }
        var copy = self
        (copy.points, copy.columns) = (try both(points), try both(columns))
        (copy.given, copy.costs) = ((try both(given.points), try both(given.columns)), try costs.map(both))
        return copy
    }

    /// The same of every `x`th row and every `y`th column.
    package func sampled(x: Int, y: Int) throws -> SoftMin {
        if let formula { return SoftMin(try formula.sampled(x: x, y: y), isLinearInMemory: isLinearInMemory) }
        if cost == .matrix, let costs { return try SoftMin(costs: costs.x.slice(axis: 1, step: x).slice(axis: 2, step: y)) }
        return try SoftMin(
            points.x.slice(axis: 1, step: x), points.y.slice(axis: 1, step: y), power: cost == .distance ? 1 : 2,
            isLinearInMemory: isLinearInMemory)
    }

    private func call(
        _ side: Side, potentials: Tensor, logWeights: Tensor, reads costs: (x: Tensor, y: Tensor)?
    ) throws -> (kernels: SoftMinKernels, inputs: SoftMinKernels.Inputs) {
        let isX = side == .x
        let columns = costs.map { isX ? $0.x : $0.y } ?? (isX ? self.columns.y : self.columns.x)
        let inputs = SoftMinKernels.Inputs(
            points: try (isX ? points.x : points.y).slice(), columns: try columns.slice(), logWeights: try logWeights.slice(),
            potentials: try potentials.slice())
        let kernels = SoftMinKernels(
            batch: batch, n: count(of: side), m: count(against: side), d: costs == nil ? d : 0, cost: costs == nil ? cost : .matrix)
        return (kernels, inputs)
    }

    /// The soft minima of one side, and `keep` times that side's own potentials plus `take` times those.
    ///
    /// - Parameters:
    ///   - potentials: Of the other side, float32.
    ///   - logWeights: Of the other side.
    ///   - own: Of this side, which say about where the soft minima are: those are found faster near them.
    package func callAsFunction(
        _ side: Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double, keep: Double = 0, take: Double = 1
    ) throws -> (soft: Tensor, next: Tensor) {
        if let structure, costs == nil {
            return try structure.minima(
                side, potentials: potentials, logWeights: logWeights, own: own, epsilon: epsilon, keep: keep, take: take)
        }
        if let near {
            return try near.minima(
                side, potentials: potentials, logWeights: logWeights, own: own, epsilon: epsilon, keep: keep, take: take)
        }
        return try minima(side, potentials: potentials, logWeights: logWeights, own: own, epsilon: epsilon, keep: keep, take: take)
    }

    /// Extents of a side and of the other.
    func count(of side: Side) -> Int { side == .x ? n : m }
    func count(against side: Side) -> Int { side == .x ? m : n }

    /// The same of all pairs, or of those that are near.
    func minima(
        _ side: Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double, keep: Double, take: Double,
        near: NearColumns? = nil
    ) throws -> (soft: Tensor, next: Tensor) {
        let (kernels, inputs) = try call(side, potentials: potentials, logWeights: logWeights, reads: costs)
        let device = points.x.device
        let soft = try Tensor.empty([kernels.batch, kernels.n], dtype: .float32, on: device)
        let next = try Tensor.empty([kernels.batch, kernels.n], dtype: .float32, on: device)
        try kernels(
            inputs, own: own.slice(), epsilon: Float(epsilon), keep: Float(keep), take: Float(take), soft: soft.output(),
            next: next.output(), near: near, on: device)
        return (soft, next)
    }

    /// The derivatives for a formula's parameters of the sum of the rows' soft minima, each times its weight.
    package func parameterGradients(potentials: Tensor, logWeights: Tensor, weights: Tensor, epsilon: Double) throws -> [Tensor] {
        try formula?.parameterGradients(potentials: potentials, logWeights: logWeights, weights: weights, epsilon: epsilon) ?? []
    }

    /// sum_j w_ij dC(x_i, y_j)/dx_i [batch, n, d], w the soft minimum's weights, which sum to 1 for each row; of points.
    package func costGradient(_ side: Side, potentials: Tensor, logWeights: Tensor, epsilon: Double) throws -> Tensor {
        if let formula { return try formula.costGradient(side, potentials: potentials, logWeights: logWeights, epsilon: epsilon) }
        let (kernels, inputs) = try call(side, potentials: potentials, logWeights: logWeights, reads: nil)
        let output = try Tensor.empty([kernels.batch, kernels.n, d], dtype: .float32, on: points.x.device)
        try kernels.costGradient(inputs, epsilon: Float(epsilon), into: output.output(), on: points.x.device)
        return output
    }
}

/// A structure of pairs by which soft minima are found faster than one by one.
package protocol SoftMinStructure: Sendable {
    var batch: Int { get }
    /// Points of each side.
    var counts: (x: Int, y: Int) { get }
    /// Something on the device.
    var sample: Tensor { get }

    /// As ``SoftMin/callAsFunction(_:potentials:logWeights:own:epsilon:keep:take:)``.
    func minima(
        _ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double, keep: Double, take: Double
    ) throws -> (soft: Tensor, next: Tensor)
}
