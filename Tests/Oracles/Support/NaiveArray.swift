/// A row-major array of doubles whose operations are loops over indices: what tensors' views, broadcasts and reductions are compared with.
public struct NaiveArray: Sendable {
    public let shape: [Int]
    public let values: [Double]

    public init(shape: [Int], values: [Double]) {
        precondition(shape.reduce(1, *) == values.count)
        self.shape = shape
        self.values = values
    }

    /// An array of a value for each index.
    public init(shape: [Int], _ value: ([Int]) -> Double) {
        self.init(shape: shape, values: Self.indices(of: shape).map(value))
    }

    /// Every index of a shape in row-major order.
    public static func indices(of shape: [Int]) -> [[Int]] {
        shape.reduce([[]]) { prefixes, extent in prefixes.flatMap { prefix in (0..<extent).map { prefix + [$0] } } }
    }

    public subscript(index: [Int]) -> Double {
        values[zip(shape, index).reduce(0) { $0 * $1.0 + $1.1 }]
    }

    public func transposed(_ order: [Int]) -> NaiveArray {
        NaiveArray(shape: order.map { shape[$0] }) { index in
            var source = index
            for (position, axis) in order.enumerated() { source[axis] = index[position] }
            return self[source]
        }
    }

    /// Every `step`th index of one axis, backwards from the last where the step is negative.
    public func stepped(axis: Int, by step: Int) -> NaiveArray {
        let places =
            step > 0 ? Array(stride(from: 0, to: shape[axis], by: step)) : Array(stride(from: shape[axis] - 1, through: 0, by: step))
        var target = shape
        target[axis] = places.count
        return NaiveArray(shape: target) { index in
            var source = index
            source[axis] = places[index[axis]]
            return self[source]
        }
    }

    public func broadcast(to target: [Int]) -> NaiveArray {
        NaiveArray(shape: target) { index in
            self[zip(shape, index.suffix(shape.count)).map { $0 == 1 ? 0 : $1 }]
        }
    }

    public func map(_ function: (Double) -> Double) -> NaiveArray {
        NaiveArray(shape: shape, values: values.map(function))
    }

    /// A function of the elements of several arrays, broadcast together.
    public static func combine(_ arrays: [NaiveArray], _ function: ([Double]) -> Double) -> NaiveArray {
        let rank = arrays.map(\.shape.count).max() ?? 0
        let padded = arrays.map { Array(repeating: 1, count: rank - $0.shape.count) + $0.shape }
        let shape = (0..<rank).map { axis in padded.map { $0[axis] }.first { $0 != 1 } ?? 1 }
        let spread = arrays.map { $0.broadcast(to: shape) }
        return NaiveArray(
            shape: shape, values: spread.first?.values.indices.map { index in function(spread.map { $0.values[index] }) } ?? [])
    }

    /// A function of the elements along axes, in row-major order, for each index of the others.
    public func fold(_ axes: [Int], keepDimensions: Bool = false, _ function: ([Double]) -> Double) -> NaiveArray {
        let kept = shape.indices.filter { !axes.contains($0) }
        var groups = [[Double]](repeating: [], count: kept.reduce(1) { $0 * shape[$1] })
        for (index, value) in zip(Self.indices(of: shape), values) {
            groups[kept.reduce(0) { $0 * shape[$1] + index[$1] }].append(value)
        }
        let target = keepDimensions ? shape.indices.map { axes.contains($0) ? 1 : shape[$0] } : kept.map { shape[$0] }
        return NaiveArray(shape: target, values: groups.map(function))
    }

    /// A function of every prefix along an axis.
    public func scan(axis: Int, _ function: ([Double]) -> Double) -> NaiveArray {
        NaiveArray(shape: shape) { index in
            function(
                (0...index[axis]).map { place in
                    var source = index
                    source[axis] = place
                    return self[source]
                })
        }
    }
}
