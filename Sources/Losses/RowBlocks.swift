import LossKitOps

/// Some points, the rows, beside others, the columns, a block of rows at a time, forward and again backward: what a function makes of all
/// pairs of a block is gone before the next one, so that memory stays O(n + m).
///
/// Few rows are one block, which is kept rather than computed again. Differentiable as often as the function is.
package struct RowBlocks: Sendable {
    /// How many pairs a block may have; nil for as many as suit the device.
    @TaskLocal package static var pairs: Int?

    let ranges: [Range<Int>]

    /// - Parameter sample: On the device of the points.
    init(rows: Int, columns: Int, beside sample: Tensor) {
        let pairs = Self.pairs ?? (sample.device.kind == .cpu ? 1 << 18 : 1 << 19)
        let step = max(1, pairs / max(1, columns))
        ranges = stride(from: 0, to: rows, by: step).map { $0..<min(rows, $0 + step) }
    }

    typealias Body = @Sendable (_ range: Range<Int>, _ rows: [Tensor], _ columns: [Tensor]) throws -> Tensor

    /// What a function gives for the rows of each block, [b, ...], one after the other.
    ///
    /// - Parameters:
    ///   - rows: [n, ...], of which the function is given those of the block.
    ///   - columns: What it is given as it is. Derivatives are carried to these and to the rows, not to what the function captures.
    func joined(_ rows: [Tensor], _ columns: [Tensor], _ body: @escaping Body) throws -> Tensor {
        try run(rows, columns, isSum: false, body)
    }

    /// The sum over blocks of what a function gives for each; see ``joined(_:_:_:)``.
    func added(_ rows: [Tensor], _ columns: [Tensor], _ body: @escaping Body) throws -> Tensor {
        try run(rows, columns, isSum: true, body)
    }

    private func run(_ rows: [Tensor], _ columns: [Tensor], isSum: Bool, _ body: @escaping Body) throws -> Tensor {
        guard ranges.count > 1 else { return try body(ranges.first ?? 0..<0, rows, columns) }
        let isNeeded = (rows + columns).map { Tensor.records([$0]) }
        return try customVJP(rows + columns) { inputs in
            let split = Split(rows: rows.count, inputs: inputs)
            let held = Split(rows: rows.count, inputs: inputs.map(stopGradient))
            var parts: [Tensor] = []
            for range in ranges {
                let part = try held.value(range, body).packed()
                if isSum, let sum = parts.first { parts[0] = try (sum + part).evaluated() } else { parts.append(try part.evaluated()) }
            }
            let pullback = { @Sendable [ranges] (cotangent: Tensor) in
                try split.gradients(ranges, isNeeded: isNeeded) { range, split in
                    let given = isSum ? cotangent : try cotangent.slice(axis: 0, from: range.lowerBound, to: range.upperBound)
                    return try (split.value(range, body) * given).sum()
                }
            }
            return (isSum ? parts[0] : try Tensor.concatenate(parts), pullback)
        }
    }

    /// Tensors by rows, and behind them those that are given as they are.
    private struct Split: Sendable {
        let rows: Int
        var inputs: [Tensor]
        /// Whether the rows are those of a block already.
        var isBlock = false

        func block(_ range: Range<Int>) throws -> Split {
            let parts = try inputs.prefix(rows).map { try $0.slice(axis: 0, from: range.lowerBound, to: range.upperBound) }
            return Split(rows: rows, inputs: parts + inputs.dropFirst(rows), isBlock: true)
        }

        func value(_ range: Range<Int>, _ body: Body) throws -> Tensor {
            let split = isBlock ? self : try block(range)
            return try body(range, Array(split.inputs.prefix(rows)), Array(split.inputs.dropFirst(rows)))
        }

        /// The gradients of the sum over blocks of a function: of rows joined, of others added up.
        func gradients(
            _ ranges: [Range<Int>], isNeeded: [Bool], of function: (Range<Int>, Split) throws -> Tensor
        ) throws -> [Tensor?] {
            let needed = inputs.indices.filter { isNeeded[$0] }
            var slopes = needed.map { _ in [Tensor]() }
            for range in ranges {
                let block = try block(range)
                let found = try gradient(at: needed.map { block.inputs[$0] }) { points in
                    var moved = block
                    for (place, point) in zip(needed, points) { moved.inputs[place] = point }
                    return try function(range, moved)
                }
                for (index, slope) in found.enumerated() {
                    if needed[index] >= rows, let sum = slopes[index].first {
                        slopes[index] = [try (sum + slope).evaluated()]
                    } else {
                        slopes[index].append(try slope.evaluated())
                    }
                }
            }
            var result = [Tensor?](repeating: nil, count: inputs.count)
            for (place, parts) in zip(needed, slopes) { result[place] = place < rows ? try .concatenate(parts) : parts[0] }
            return result
        }
    }
}

extension Tensor {
    /// The places of a range of rows as a column [b, 1] and of so many columns as a row, in float32, whose comparisons run within
    /// expressions.
    static func places(_ range: Range<Int>, columns: Int, beside sample: Tensor) throws -> (column: Tensor, row: Tensor) {
        let rows = try Tensor.arange(Double(range.lowerBound), to: Double(range.upperBound), dtype: .float32, on: sample.device)
        return (try rows.expandedDimensions(at: 1), try .arange(to: Double(columns), dtype: .float32, on: sample.device))
    }
}
