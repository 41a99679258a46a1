import LossKitDevice

/// The place of each point of a set along a Hilbert curve.
struct CurveOrder: Sendable {
    /// Which point comes at each place.
    let points: Tensor
    /// At which place each point comes.
    let places: Tensor

    /// - Parameter points: [n, d], or [1, n, d].
    init(_ points: Tensor) throws {
        let (count, d) = (points.shape[points.rank - 2], points.shape[points.rank - 1])
        try self.init(HilbertOrder.positions(points.array(of: Float.self), count: count, d: d), on: points)
    }

    private init(_ order: [Int], on sample: Tensor) throws {
        var places = [Int](repeating: 0, count: order.count)
        for (place, point) in order.enumerated() { places[point] = place }
        (points, self.places) = (try Tensor(order, on: sample.device), try Tensor(places, on: sample.device))
    }

    /// One set after another, each in its order.
    init(joining orders: [CurveOrder]) throws {
        func joined(_ path: KeyPath<CurveOrder, Tensor>) throws -> Tensor {
            var start = 0
            return try Tensor.concatenate(
                orders.map { order in
                    defer { start += order.points.count }
                    return order[keyPath: path] + start
                }
            ).evaluated()
        }
        (points, places) = (try joined(\.points), try joined(\.places))
    }
}
