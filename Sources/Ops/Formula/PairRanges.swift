import LossKitDevice
import LossKitKernels

/// Which pairs of points a formula is reduced over: for blocks of points x ranges of points y. Nothing is computed for other pairs.
///
/// ```swift
/// // Clouds of 3 and 2 points against ones of 4 and 5: what ragged batches are.
/// let clouds = try PairRanges(batches: [3, 2], [4, 5])
/// let sums = try (Formula.x(a).squaredDistance(to: .y(b)) * -0.5).exp().sum(over: .y, within: clouds)
/// ```
public struct PairRanges: Sendable {
    /// The blocks of points x.
    public let rows: [Range<Int>]
    /// For each block its ranges of points y.
    public let columns: [[Range<Int>]]

    /// For each block of points x the ranges of points y it is paired with. Points in no block have no pairs.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` unless blocks, and the ranges of each, ascend without
    ///   overlapping.
    public init(rows: [Range<Int>], columns: [[Range<Int>]]) throws {
        guard rows.count == columns.count else {
            throw TensorError.invalidArgument(
                operation: "PairRanges", expected: "ranges of y for each of \(rows.count) blocks", actual: "\(columns.count)")
        }
        for ranges in [rows] + columns where zip(ranges, ranges.dropFirst()).contains(where: { $0.upperBound > $1.lowerBound }) {
            throw TensorError.invalidArgument(
                operation: "PairRanges", expected: "ranges that ascend without overlapping", actual: "\(ranges)")
        }
        (self.rows, self.columns) = (rows, columns)
    }

    /// Batches of so many points x, each paired with its own batch of so many points y.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` unless there are as many of both.
    public init(batches x: [Int], _ y: [Int]) throws {
        guard x.count == y.count, x.allSatisfy({ $0 >= 0 }), y.allSatisfy({ $0 >= 0 }) else {
            throw TensorError.invalidArgument(operation: "PairRanges", expected: "as many batches of x as of y", actual: "\(x) and \(y)")
        }
        func ranges(_ counts: [Int]) throws -> [Range<Int>] {
            try counts.reduce(into: []) { result, count in
                let begin = result.last?.upperBound ?? 0
                let (end, overflow) = begin.addingReportingOverflow(count)
                guard !overflow else {
                    throw TensorError.invalidArgument(operation: "PairRanges", expected: "fewer than 2^63 points", actual: "\(counts)")
                }
                result.append(begin..<end)
            }
        }
        try self.init(rows: ranges(x), columns: ranges(y).map { [$0] })
    }

    /// The same pairs with x and y exchanged: blocks of y between any two bounds of their ranges.
    var transposed: PairRanges {
        let bounds = Set(columns.joined().flatMap { [$0.lowerBound, $0.upperBound] }).sorted()
        let blocks = zip(bounds, bounds.dropFirst()).map { $0..<$1 }
        var partners = [[Range<Int>]](repeating: [], count: blocks.count)
        let places = Dictionary(uniqueKeysWithValues: bounds.enumerated().map { ($1, $0) })
        for (row, ranges) in zip(rows, columns) {
            for range in ranges where !range.isEmpty {
                for place in (places[range.lowerBound] ?? 0)..<(places[range.upperBound] ?? 0) { partners[place].append(row) }
            }
        }
        return PairRanges(blocks: blocks, partners: partners)
    }

    private init(blocks: [Range<Int>], partners: [[Range<Int>]]) { (rows, columns) = (blocks, partners) }

    /// As kernels take it, blocks covering all of the kept points.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for points there are not.
    func spans(rows count: Int, columns reduced: Int, on device: Device) throws -> FormulaSpans {
        let last = (rows.last?.upperBound ?? 0, columns.joined().map(\.upperBound).max() ?? 0)
        let first = (rows.first?.lowerBound ?? 0, columns.compactMap(\.first?.lowerBound).min() ?? 0)
        guard first.0 >= 0, first.1 >= 0, last.0 <= count, last.1 <= reduced else {
            throw TensorError.invalidArgument(
                operation: "PairRanges", expected: "ranges within \(count) and \(reduced) points",
                actual: "from \(first.0) and \(first.1) up to \(last.0) and \(last.1)")
        }
        var blocks: [FormulaSpans.Block] = []
        var bounds: [Int] = []
        func append(_ rows: Range<Int>, _ ranges: [Range<Int>]) {
            guard !rows.isEmpty else { return }
            blocks.append(FormulaSpans.Block(rows: rows, first: bounds.count / 2, count: ranges.count))
            bounds += ranges.flatMap { [$0.lowerBound, $0.upperBound] }
        }
        var end = 0
        for (block, ranges) in zip(rows, columns) {
            append(end..<block.lowerBound, [])
            append(block, ranges.filter { !$0.isEmpty })
            end = block.upperBound
        }
        append(end..<count, [])
        return FormulaSpans(blocks: blocks, bounds: bounds, memory: try Tensor(bounds + [0], on: device).slice())
    }
}
