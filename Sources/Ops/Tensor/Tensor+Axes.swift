import LossKitKernels

extension Tensor {
    /// Elements along an axis by index: `out[.., i, ..] = self[.., indices[.., i, ..], ..]`, as NumPy's `take_along_axis`.
    ///
    /// - Parameter indices: Integers of this tensor's rank, equal extents but along the axis; negative ones count from the end.
    /// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)``.
    public func takeAlongAxis(_ indices: Tensor, axis: Int) throws -> Tensor {
        let flat = try flatIndices(indices, axis: axis, operation: "takeAlongAxis")
        return try flattened().gathered(flat, bound: count).reshaped(indices.shape)
    }

    /// This tensor with `values` added at indices along an axis; what falls on one element is summed in order.
    ///
    /// - Parameters:
    ///   - indices: As for ``takeAlongAxis(_:axis:)``.
    ///   - values: The indices' shape.
    public func scatterAdd(_ values: Tensor, at indices: Tensor, axis: Int) throws -> Tensor {
        guard try values.checked().shape == indices.shape else {
            throw TensorError.shapeMismatch(operation: "scatterAdd", expected: "values of the indices' shape", actual: [values.shape, indices.shape])
        }
        let flat = try flatIndices(indices, axis: axis, operation: "scatterAdd")
        return try self + values.flattened().rowsSummed(at: flat, bound: count).reshaped(shape)
    }

    /// Whole slices along an axis by indices of any shape, which takes the axis's place, as NumPy's `take`.
    ///
    /// Gradient: slices that are taken more than once are summed.
    /// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)``; negative indices count from the end.
    public func take(_ indices: Tensor, axis: Int = 0) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "take")
        let others = shape.indices.filter { $0 != axis }
        let front = axis == 0 ? self : try transposed([axis] + others)
        let taken = try front.rows(at: indices.checked().flattened(), operation: "take").reshaped(indices.shape + others.map { shape[$0] })
        guard axis > 0 else { return taken }
        let places = Array(0..<indices.rank)
        let rest = others.indices.map { indices.rank + $0 }
        return try taken.transposed(rest[..<axis] + places + rest[axis...])
    }

    private func flatIndices(_ indices: Tensor, axis: Int, operation: String) throws -> [Int] {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: operation)
        var expected = shape
        if indices.rank == rank { expected[axis] = indices.shape[axis] }
        guard try indices.checked().shape == expected, !indices.dtype.isFloatingPoint else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "integer indices of shape \(expected) but along axis \(axis)", actual: [indices.shape])
        }
        let (bound, inner) = (shape[axis], shape[(axis + 1)...].reduce(1, *))
        let extent = indices.shape[axis]
        return try indices.array(of: Int.self).enumerated().map { position, index in
            let place = index < 0 ? index + bound : index
            guard place >= 0, place < bound else {
                throw TensorError.indexOutOfRange(operation: operation, position: position, index: index, bound: bound)
            }
            return (position / (inner * extent) * bound + place) * inner + position % inner
        }
    }

    /// The position of the largest element along an axis (of all elements where none is named): the first of equals, the first NaN where there is one.
    public func argMax(axis: Int? = nil, keepDimensions: Bool = false) throws -> Tensor {
        try argExtremum("argMax", axis: axis, keepDimensions: keepDimensions) { try $0.max(axes: [$1], keepDimensions: true) }
    }

    /// The position of the smallest element along an axis; see ``argMax(axis:keepDimensions:)``.
    public func argMin(axis: Int? = nil, keepDimensions: Bool = false) throws -> Tensor {
        try argExtremum("argMin", axis: axis, keepDimensions: keepDimensions) { try $0.min(axes: [$1], keepDimensions: true) }
    }

    private func argExtremum(
        _ operation: String, axis: Int?, keepDimensions: Bool, _ extremum: (Tensor, Int) throws -> Tensor
    ) throws -> Tensor {
        let source = stopGradient(axis == nil ? try checked().flattened() : try checked())
        let axis = try Shape.axis(axis ?? 0, rank: source.rank, operation: operation)
        guard source.shape[axis] > 0 else {
            throw TensorError.invalidArgument(operation: operation, expected: "at least one element along axis \(axis)", actual: "shape \(shape)")
        }
        let extent = source.shape[axis]
        var shape = [Int](repeating: 1, count: source.rank)
        shape[axis] = extent
        let position = try Tensor.arange(to: Double(extent), on: device).reshaped(shape)
        let best = try extremum(source, axis)
        let isBest = (source .== best) .|| source.isNaN()
        let none = try Tensor.full([], Double(extent), dtype: .int64, on: device)
        return try Self.select(isBest.evaluated(), position, none).min(axes: [axis], keepDimensions: keepDimensions)
    }

    /// The order that sorts along an axis: stable, NaN last either way.
    ///
    /// Sorting runs on the host's processor; on an OpenCL device keys and order cross over.
    public func argSort(axis: Int = -1, descending: Bool = false) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "argSort")
        let last = rank - 1
        let moved = try stopGradient(self).swappingAxes(axis, last)
        let extent = moved.shape[last]
        let order =
            dtype == .int64
            ? Sorting.order(try moved.array(of: Int64.self), rowLength: extent, descending: descending, isLast: { _ in false })
            : Sorting.order(try moved.array(of: Double.self), rowLength: extent, descending: descending, isLast: \.isNaN)
        return try Tensor(order, shape: moved.shape, on: device).swappingAxes(axis, last)
    }

    /// The elements in order along an axis; see ``argSort(axis:descending:)``.
    public func sorted(axis: Int = -1, descending: Bool = false) throws -> Tensor {
        try takeAlongAxis(argSort(axis: axis, descending: descending), axis: axis)
    }

    /// The k largest (or smallest) elements along an axis, in order, with their positions; of equals the first come first.
    public func topK(_ k: Int, axis: Int = -1, largest: Bool = true) throws -> (values: Tensor, indices: Tensor) {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "topK")
        guard k >= 0, k <= shape[axis] else {
            throw TensorError.invalidArgument(operation: "topK", expected: "k in 0...\(shape[axis])", actual: "\(k)")
        }
        let order = try argSort(axis: axis, descending: largest).slice(axis: axis, from: 0, to: k)
        return (try takeAlongAxis(order, axis: axis), order)
    }
}

/// Orders of rows.
enum Sorting {
    /// The stable order of each row; what `isLast` picks comes last either way.
    static func order<Key: Comparable & Sendable>(
        _ keys: [Key], rowLength: Int, descending: Bool, isLast: (Key) -> Bool
    ) -> [Int] {
        guard rowLength > 0 else { return [] }
        var result: [Int] = []
        result.reserveCapacity(keys.count)
        for start in stride(from: 0, to: keys.count, by: rowLength) {
            let row = keys[start..<start + rowLength]
            let positions = (0..<rowLength).sorted { a, b in
                let (x, y) = (row[start + a], row[start + b])
                let (lastX, lastY) = (isLast(x), isLast(y))
                if lastX || lastY { return lastX == lastY ? a < b : lastY }
                if x == y { return a < b }
                return descending ? x > y : x < y
            }
            result += positions
        }
        return result
    }
}
