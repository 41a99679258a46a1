import LossKitKernels

/// The soft minima between two clouds and within each, of which a debiased divergence is made: one launch for all four problems.
package struct DebiasedSoftMin: Sendable {
    private let points: Tensor
    private let columns: Tensor
    private let logWeights: Tensor
    private let kernels: DebiasedSoftMinKernels
    /// What knows the pairs that matter, where that is worth while.
    private let near: Near?
    /// The points of both.
    package var count: Int { kernels.n + kernels.m }

    /// C as in ``SoftMin``, between float32 points [n, d] and [m, d] with log weights [n + m].
    package init(_ x: Tensor, _ y: Tensor, logWeights: Tensor, power: Int, isLinearInMemory: Bool) throws {
        let (n, m, d) = (x.shape[0], y.shape[0], x.shape[1])
        let cost: SoftMinKernels.Cost = power == 1 ? .distance : .halfSquare
        near = NearPairs.isWorthWhile(pairs: (n + m) * (n + m), d: d, cost: cost, on: x.device) ? try Near(x, y) : nil
        let (x, y) = try near.map { (try x.take($0.order.x.points), try y.take($0.order.y.points)) } ?? (x, y)
        self.logWeights = try (near.map { try logWeights.take($0.order.both.points) } ?? logWeights).packed().evaluated()
        points = try Tensor.concatenate([x, y]).evaluated()
        if SoftMin.holdsCosts(count: (n + m) * (n + m), d: d, isLinearInMemory: isLinearInMemory, on: x.device) {
            // Each on its own: what is the same for equal clouds is so to the last bit.
            let costs = try [(x, y), (y, x), (x, x), (y, y)].map { try SoftMin.costs($0.0, $0.1, power: power).reshaped([-1]) }
            columns = try Tensor.concatenate(costs).evaluated()
            kernels = DebiasedSoftMinKernels(n: n, m: m, d: 0, cost: .matrix)
        } else {
            columns = try Tensor.concatenate([x.transposed().reshaped([n * d]), y.transposed().reshaped([m * d])]).evaluated()
            kernels = DebiasedSoftMinKernels(n: n, m: m, d: d, cost: cost)
        }
    }

    /// The soft minima of all four problems [2 (n + m)], x against y, y against x, x against itself and y against itself, and
    /// `keep potentials + take soft + carry before`; `onlyBetween`, the first half of them.
    package func callAsFunction(
        _ potentials: Tensor, before: Tensor? = nil, epsilon: Double, keep: Double = 0, take: Double = 1, carry: Double = 0,
        onlyBetween: Bool = false
    ) throws -> (soft: Tensor, next: Tensor) {
        guard let near else {
            return try minima(
                potentials, before: before ?? potentials, epsilon: epsilon, keep: keep, take: take, carry: carry, onlyBetween: onlyBetween)
        }
        let sorted = try potentials.take(near.order.all.points).evaluated()
        let old = try before.map { try $0.take(near.order.all.points).evaluated() } ?? sorted
        // Half of the rows are not enough to learn from.
        let found = try near.memory.sweep(potentials: sorted, epsilon: epsilon, learns: !onlyBetween) { lists in
            try minima(
                sorted, before: old, epsilon: epsilon, keep: keep, take: take, carry: carry, onlyBetween: onlyBetween, near: lists)
        }
        let places = onlyBetween ? near.order.both.places : near.order.all.places
        return (try found.soft.take(places).evaluated(), try found.next.take(places).evaluated())
    }

    private func minima(
        _ potentials: Tensor, before: Tensor, epsilon: Double, keep: Double, take: Double, carry: Double, onlyBetween: Bool,
        near: [NearColumns]? = nil
    ) throws -> (soft: Tensor, next: Tensor) {
        let rows = onlyBetween ? count : 2 * count
        let soft = try Tensor.empty([rows], dtype: .float32, on: points.device)
        let next = try Tensor.empty([rows], dtype: .float32, on: points.device)
        let inputs = SoftMinKernels.Inputs(
            points: try points.slice(), columns: try columns.slice(), logWeights: try logWeights.slice(),
            potentials: try potentials.slice())
        try kernels(
            inputs, before: before.slice(),
            step: .init(epsilon: Float(epsilon), keep: Float(keep), take: Float(take), carry: Float(carry)), rows: rows,
            soft: soft.output(), next: next.output(), near: near, on: points.device)
        return (soft, next)
    }

    /// The order of the points, and what is known of their pairs.
    private struct Near: Sendable {
        /// Of each cloud, of one after the other, and of that twice.
        let order: (x: CurveOrder, y: CurveOrder, both: CurveOrder, all: CurveOrder)
        let memory: NearPairs.Memory

        init(_ x: Tensor, _ y: Tensor) throws {
            let (ofX, ofY) = (try CurveOrder(x), try CurveOrder(y))
            order = (ofX, ofY, try CurveOrder(joining: [ofX, ofY]), try CurveOrder(joining: [ofX, ofY, ofX, ofY]))
            let (n, m) = (x.shape[0], y.shape[0])
            memory = NearPairs.Memory(
                problems: [(n, m), (m, n), (n, n), (m, m)], sections: [0..<n, n..<n + m, n + m..<2 * n + m, 2 * n + m..<2 * (n + m)])
        }
    }
}
