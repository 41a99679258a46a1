/// Arithmetic on shapes and strides; everything here is checked and nothing traps.
package enum Shape {
    /// The number of elements, or nil where an extent is negative or strides would overflow `Int`, even if another extent is 0.
    package static func count(_ shape: [Int]) -> Int? {
        var count = 1
        for extent in shape where extent != 0 {
            guard extent > 0, case let (product, overflow) = count.multipliedReportingOverflow(by: extent), !overflow else { return nil }
            count = product
        }
        return shape.contains(0) ? 0 : count
    }

    /// The number of elements, or the error that says why there is none.
    package static func checkedCount(_ shape: [Int], operation: String) throws(TensorError) -> Int {
        guard let count = count(shape), !count.multipliedReportingOverflow(by: 8).overflow else {
            throw .invalidArgument(
                operation: operation, expected: "non-negative extents whose product fits in memory", actual: "\(shape)")
        }
        return count
    }

    /// Row-major strides in elements.
    package static func rowMajorStrides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        var step = 1
        for axis in shape.indices.reversed() {
            strides[axis] = step
            step *= max(shape[axis], 1)
        }
        return strides
    }

    /// The shape that NumPy's broadcasting gives, or nil where the shapes do not fit.
    package static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
        if a == b { return a }
        let rank = max(a.count, b.count)
        var result = [Int](repeating: 1, count: rank)
        for axis in 0..<rank {
            let left = axis < rank - a.count ? 1 : a[axis - (rank - a.count)]
            let right = axis < rank - b.count ? 1 : b[axis - (rank - b.count)]
            guard left == right || left == 1 || right == 1 else { return nil }
            result[axis] = left == 1 ? right : left
        }
        return result
    }

    /// Strides that read a tensor of `shape` as if it had the broadcast shape `target`.
    package static func broadcastStrides(_ shape: [Int], _ strides: [Int], to target: [Int]) -> [Int] {
        var result = [Int](repeating: 0, count: target.count)
        let lead = target.count - shape.count
        for axis in shape.indices where shape[axis] != 1 || target[axis + lead] == 1 {
            result[axis + lead] = shape[axis] == 1 ? 0 : strides[axis]
        }
        return result
    }

    /// A non-negative axis, or the error that names the valid range.
    package static func axis(_ axis: Int, rank: Int, operation: String) throws(TensorError) -> Int {
        guard axis >= -rank, axis < rank else {
            throw .invalidAxis(operation: operation, axis: axis, rank: rank)
        }
        return axis < 0 ? axis + rank : axis
    }

    /// Distinct non-negative axes in ascending order; nil stands for all of them.
    package static func axes(_ axes: [Int]?, rank: Int, operation: String) throws(TensorError) -> [Int] {
        guard let axes else { return Array(0..<rank) }
        var seen = [Bool](repeating: false, count: rank)
        for given in axes {
            let axis = try axis(given, rank: rank, operation: operation)
            guard !seen[axis] else { throw .invalidAxis(operation: operation, axis: given, rank: rank) }
            seen[axis] = true
        }
        return seen.indices.filter { seen[$0] }
    }

    /// The shape after folding `axes` away, with extents of 1 left in their place on request.
    package static func reduced(_ shape: [Int], axes: [Int], keepDimensions: Bool) -> [Int] {
        var result: [Int] = []
        for axis in shape.indices {
            if !axes.contains(axis) { result.append(shape[axis]) } else if keepDimensions { result.append(1) }
        }
        return result
    }
}
