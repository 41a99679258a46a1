import LossKitKernels
import Synchronization

/// Soft minima between two clouds by the pairs that matter.
final class NearSoftMin: Sendable {
    private let sorted: SoftMin
    private let orders: (x: CurveOrder, y: CurveOrder)
    private let seen = Mutex<(x: NearPairs?, y: NearPairs?)>((nil, nil))

    /// Nil where all pairs are found faster.
    init?(_ softMin: SoftMin) throws {
        guard softMin.batch == 1,
            NearPairs.isWorthWhile(pairs: softMin.n * softMin.m, d: softMin.d, cost: softMin.cost, on: softMin.points.x.device)
        else { return nil }
        let orders = (x: try CurveOrder(softMin.points.x), y: try CurveOrder(softMin.points.y))
        func both(_ set: (x: Tensor, y: Tensor)) throws -> (x: Tensor, y: Tensor) {
            (try set.x.take(orders.x.points, axis: 1).evaluated(), try set.y.take(orders.y.points, axis: 1).evaluated())
        }
        let (centred, given) = (try both(softMin.points), try both(softMin.given.points))
        self.orders = orders
        sorted = try SoftMin(centred.x, centred.y, given: given, power: 2, isLinearInMemory: true)
    }

    /// As of ``SoftMin``.
    func minima(
        _ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double, keep: Double, take: Double
    ) throws -> (soft: Tensor, next: Tensor) {
        let others = try ordered(side, potentials, isOwn: false)
        let (seen, sweep) = try next(side, others, epsilon)
        let found = try sorted.minima(
            side, potentials: others, logWeights: ordered(side, logWeights, isOwn: false), own: ordered(side, own, isOwn: true),
            epsilon: epsilon, keep: keep, take: take, near: seen.sweeping(sweep)[0])
        self.seen.withLock { if side == .x { $0.x = seen } else { $0.y = seen } }
        return (try restored(side, found.soft), try restored(side, found.next))
    }

    /// As of ``WideSoftMin``; of all pairs where nothing is known for these potentials.
    func wideMinima(_ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double) throws -> Tensor {
        let others = try ordered(side, potentials, isOwn: false)
        let (seen, sweep) = try next(side, others.asType(.float32), epsilon)
        let minima = try sorted.wideMinima(
            side, potentials: others, logWeights: ordered(side, logWeights, isOwn: false), own: ordered(side, own, isOwn: true),
            epsilon: epsilon, near: sweep == .go ? seen.sweeping(.go)[0] : nil)
        return try restored(side, minima)
    }

    private func next(_ side: SoftMin.Side, _ potentials: Tensor, _ epsilon: Double) throws -> (seen: NearPairs, sweep: NearColumns.Sweep) {
        let (rows, columns) = (sorted.count(of: side), sorted.count(against: side))
        return try NearPairs.next(
            seen.withLock { side == .x ? $0.x : $0.y }, problems: [(rows, columns)], potentials: potentials, sections: [0..<columns],
            epsilon: epsilon)
    }

    private func ordered(_ side: SoftMin.Side, _ tensor: Tensor, isOwn: Bool) throws -> Tensor {
        try tensor.take((side == .x) == isOwn ? orders.x.points : orders.y.points, axis: 1).evaluated()
    }

    private func restored(_ side: SoftMin.Side, _ tensor: Tensor) throws -> Tensor {
        try tensor.take(side == .x ? orders.x.places : orders.y.places, axis: 1).evaluated()
    }
}
