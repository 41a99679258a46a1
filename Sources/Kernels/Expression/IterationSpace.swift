import LossKitDevice

/// A fused expression's operands in the simplest equivalent iteration space: unit axes dropped, kept and reduced axes apart, axes merged wherever every leaf allows it.
struct IterationSpace {
    /// What becomes of an axis.
    enum Role { case kept, folded, column }

    /// Merged extents, at least one: kept axes, then those that are folded away, then the columns.
    private(set) var shape: [Int] = []
    private(set) var strides: [[Int]]
    private(set) var roles: [Role] = []
    /// Outputs before the folded axes.
    let outer: Int
    /// Elements folded into each output; 1 without a reduction.
    let length: Int
    /// Outputs after the folded axes: 1, or the innermost kept extent where folding along the outer axes reads memory in order.
    let columns: Int

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
        strides = operands.strides.map { strides in order.isEmpty ? [0] : order.map { strides[$0] } }
        shape = order.isEmpty ? [1] : order.map { operands.shape[$0] }
        roles = order.isEmpty ? [.kept] : order.map { isReduced[$0] ? .folded : .kept }
        if trailing == 1 { roles[roles.count - 1] = .column }
        merge()
    }

    /// Outputs in all.
    var outputCount: Int { outer * columns }
    /// Elements in all.
    var count: Int { outer * length * columns }

    /// Joins neighbouring axes of one role that every leaf steps through as if they were one.
    private mutating func merge() {
        var kept: [Int] = []
        var merged = shape
        for axis in shape.indices {
            if let previous = kept.last, roles[previous] == roles[axis],
                strides.allSatisfy({ $0[previous] == $0[axis] * shape[axis] })
            {
                merged[axis] *= merged[previous]
                kept[kept.count - 1] = axis
            } else {
                kept.append(axis)
            }
        }
        shape = kept.map { merged[$0] }
        roles = kept.map { roles[$0] }
        strides = strides.map { strides in kept.map { strides[$0] } }
    }

    /// The axes that a leaf has to have in memory of its own: those it does not repeat along, and those where the repeats are written out.
    func packedAxes(ofLeaf leaf: Int, expanding expanded: [Int] = []) -> [Int] {
        shape.indices.filter { strides[leaf][$0] != 0 || expanded.contains($0) }
    }

    /// Leaves whose packed memory takes the place of what they read before: row-major over the axes given for each.
    mutating func replaceStrides(_ packed: [(leaf: Int, axes: [Int])]) {
        for (leaf, axes) in packed {
            var step = 1
            strides[leaf] = [Int](repeating: 0, count: shape.count)
            for axis in axes.reversed() {
                strides[leaf][axis] = step
                step *= shape[axis]
            }
        }
        merge()
    }

    /// The neighbouring axes of one role, named by the first, that writing out the fewest repeats would merge, when every leaf is packed.
    var cheapestMerge: (first: Int, expanded: [(leaf: Int, axis: Int)])? {
        let candidates = shape.indices.dropLast().filter { roles[$0] == roles[$0 + 1] }.map { first in
            let expanded = strides.indices.compactMap { leaf -> (leaf: Int, axis: Int)? in
                let (isFirst, isSecond) = (strides[leaf][first] == 0, strides[leaf][first + 1] == 0)
                return isFirst == isSecond ? nil : (leaf, isFirst ? first : first + 1)
            }
            return (first: first, expanded: expanded)
        }
        func cost(_ expanded: [(leaf: Int, axis: Int)]) -> Int { expanded.reduce(0) { $0 + shape[$1.axis] } }
        return candidates.min { cost($0.expanded) < cost($1.expanded) }
    }
}
