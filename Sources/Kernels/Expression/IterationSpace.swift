import LossKitDevice

/// A fused expression's operands in the simplest equivalent iteration space: unit axes dropped, kept and reduced axes apart, axes merged wherever every leaf allows it.
struct IterationSpace {
    /// Merged extents; with a reduction the last `reducedRank` of them are folded away, unless `columns` of the kept ones come after those.
    var shape: [Int]
    var strides: [[Int]]
    /// Outputs before the folded axes.
    var outer: Int
    /// Elements folded into each output; 1 without a reduction.
    var length: Int
    /// Outputs after the folded axes: 1, or the innermost kept extent where folding along the outer axes reads memory in order.
    var columns: Int

    init(_ operands: ExpressionOperands) {
        let isReduced = operands.reduced + [Bool](repeating: false, count: operands.shape.count - operands.reduced.count)
        let axes = operands.shape.indices.filter { operands.shape[$0] != 1 }
        let kept = axes.filter { !isReduced[$0] }
        let folded = axes.filter { isReduced[$0] }

        // Columns pay when the innermost axis is kept and wide enough for vectors.
        var order = kept + folded
        var trailing = 0
        if let last = axes.last, !isReduced[last], !folded.isEmpty, operands.shape[last] >= 16 {
            order = kept.dropLast() + folded + [last]
            trailing = 1
        }
        columns = trailing == 1 ? operands.shape[order[order.count - 1]] : 1
        length = folded.reduce(1) { $0 * operands.shape[$1] }
        outer = kept.dropLast(trailing).reduce(1) { $0 * operands.shape[$1] }

        shape = []
        strides = operands.strides.map { _ in [] }
        var previousKind: Int?
        for (position, axis) in order.enumerated() {
            let kind = isReduced[axis] ? 1 : (trailing == 1 && position == order.count - 1 ? 2 : 0)
            let extent = operands.shape[axis]
            let canMerge =
                previousKind == kind && operands.strides.indices.allSatisfy { strides[$0][shape.count - 1] == operands.strides[$0][axis] * extent }
            if canMerge {
                shape[shape.count - 1] *= extent
                for leaf in strides.indices { strides[leaf][shape.count - 1] = operands.strides[leaf][axis] }
            } else {
                shape.append(extent)
                for leaf in strides.indices { strides[leaf].append(operands.strides[leaf][axis]) }
            }
            previousKind = kind
        }
        if shape.isEmpty {
            shape = [1]
            strides = strides.map { _ in [0] }
        }
    }

    /// Outputs in all.
    var outputCount: Int { outer * columns }
    /// Elements in all.
    var count: Int { outer * length * columns }
}
