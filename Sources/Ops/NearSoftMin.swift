import LossKitKernels

/// Soft minima between two clouds by the pairs that matter.
final class NearSoftMin: Sendable {
    private let sorted: SoftMin
    private let orders: (x: CurveOrder, y: CurveOrder)
    private let memories: (x: NearPairs.Memory, y: NearPairs.Memory)

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
        func memory(rows: Int, columns: Int) -> NearPairs.Memory { .init(problems: [(rows, columns)], sections: [0..<columns]) }
        self.orders = orders
        memories = (memory(rows: softMin.n, columns: softMin.m), memory(rows: softMin.m, columns: softMin.n))
        sorted = try SoftMin(centred.x, centred.y, given: given, power: 2, isLinearInMemory: true)
    }

    /// As of ``SoftMin``.
    func minima(
        _ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double, keep: Double, take: Double
    ) throws -> (soft: Tensor, next: Tensor) {
        let others = try ordered(side, potentials, isOwn: false)
        let (logWeights, own) = (try ordered(side, logWeights, isOwn: false), try ordered(side, own, isOwn: true))
        let found = try memory(of: side).sweep(potentials: others, epsilon: epsilon) { near in
            try sorted.minima(
                side, potentials: others, logWeights: logWeights, own: own, epsilon: epsilon, keep: keep, take: take, near: near?[0])
        }
        return (try restored(side, found.soft), try restored(side, found.next))
    }

    /// As of ``WideSoftMin``; of all pairs where nothing is known for these potentials.
    func wideMinima(_ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double) throws -> Tensor {
        let others = try ordered(side, potentials, isOwn: false)
        let (logWeights, own) = (try ordered(side, logWeights, isOwn: false), try ordered(side, own, isOwn: true))
        let minima = try memory(of: side).sweep(potentials: others.asType(.float32), epsilon: epsilon, learns: false) { near in
            try sorted.wideMinima(side, potentials: others, logWeights: logWeights, own: own, epsilon: epsilon, near: near?[0])
        }
        return try restored(side, minima)
    }

    private func memory(of side: SoftMin.Side) -> NearPairs.Memory { side == .x ? memories.x : memories.y }

    private func ordered(_ side: SoftMin.Side, _ tensor: Tensor, isOwn: Bool) throws -> Tensor {
        try tensor.take((side == .x) == isOwn ? orders.x.points : orders.y.points, axis: 1).evaluated()
    }

    private func restored(_ side: SoftMin.Side, _ tensor: Tensor) throws -> Tensor {
        try tensor.take(side == .x ? orders.x.places : orders.y.places, axis: 1).evaluated()
    }
}
