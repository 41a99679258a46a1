import LossKitDevice
import LossKitKernels

/// Reductions of each row of the pairs of two sets of points, x [n, d] and y [m, d]: the engine of losses over a batch.
///
/// What lies between x_i and y_j, the value v_ij, is computed for a few rows at a time, forward and again backward; neither it nor a mask
/// is ever held for all pairs, so that memory stays O((n + m) d). Masks come from labels on the fly. Gradients reach x and y (and `shift`).
/// While a gradient is itself differentiated, and only then, all pairs are held.
///
/// ```swift
/// // SupCon's denominators: over all others, at temperature t.
/// let pairs = try PairRows(unit, labels: labels)
/// let partition = try pairs.logSumExp(scale: 1 / t)                                   // [n]; -infinity where a row has no column
/// let attraction = try pairs.sum(.identity, over: .positives, scale: 1 / t)           // sums and (in slope) numbers of positives
/// // Multi-similarity: log(1 + sum exp u) of each row is the softplus of its log sum exp.
/// let apart = try pairs.logSumExp(over: .negatives, scale: beta, shift: offsets).softplus()
/// // Contrastive: how far negatives are below a margin, and how many are.
/// let distances = try PairRows(unit, measure: .euclidean, labels: labels)
/// let near = try distances.sum(.hinge, over: .negatives, scale: -1, shift: .full([n], margin))
/// // Batch-hard triplets.
/// let (far, close) = (try distances.largest(over: .positives), try distances.smallest(over: .negatives))
/// let hinges = Tensor.select(far.isFound .&& close.isFound, (far.values - close.values + margin).relu(), zero)
/// ```
///
/// A temperature of each row is x divided by it beforehand (for products). Columns to append, a queue's for example, are another `PairRows`
/// of the same x; `Tensor.logAddExp(_:_:)` of both is the log sum exp over all.
package struct PairRows: Sendable {
    /// What a pair's value is: x_i . y_j, |x_i - y_j|^2 or |x_i - y_j|, whose derivative at 0 is 0.
    package typealias Measure = PairBlocks.Measure

    /// Which columns take part in a row's reduction.
    package enum Selection: Sendable {
        /// All but, where it is left out, the point itself.
        case all
        /// Those with the row's label.
        case positives
        /// Those with another label.
        case negatives
    }

    let x: Tensor
    let y: Tensor
    let measure: Measure
    let excludesSelf: Bool
    let rowLabels: Tensor?
    let columnLabels: Tensor?

    var n: Int { x.shape[0] }
    var m: Int { y.shape[0] }
    var device: Device { x.device }

    /// - Parameters:
    ///   - x: [n, d], floating point; computed in float32.
    ///   - y: [m, d], or nil for x itself.
    ///   - labels: Integers [n]; without them there are only all pairs.
    ///   - columnLabels: Integers [m], or nil for the rows' labels.
    ///   - excludesSelf: Whether column i is left out of row i; nil for yes where y is x itself.
    /// - Throws: ``TensorError`` for shapes or types that do not fit.
    package init(
        _ x: Tensor, _ y: Tensor? = nil, measure: Measure = .dot, labels: Tensor? = nil, columnLabels: Tensor? = nil,
        excludesSelf: Bool? = nil, operation: String = "PairRows"
    ) throws {
        let other = y ?? x
        guard try x.checked().rank == 2, try other.checked().rank == 2, x.shape[1] == other.shape[1] else {
            throw TensorError.shapeMismatch(operation: operation, expected: "points [n, d] and [m, d]", actual: [x.shape, other.shape])
        }
        guard x.dtype.isFloatingPoint, other.dtype.isFloatingPoint else {
            throw TensorError.dtypeMismatch(operation: operation, expected: "floating-point points", actual: [x.dtype, other.dtype])
        }
        guard x.device == other.device else {
            throw TensorError.deviceMismatch(operation: operation, devices: ["\(x.device)", "\(other.device)"])
        }
        guard other.shape[0] <= Int(Int32.max) else {
            throw TensorError.shapeMismatch(operation: operation, expected: "fewer than 2^31 points", actual: [other.shape])
        }
        self.x = x.asType(.float32)
        self.y = y.map { $0.asType(.float32) } ?? self.x
        self.measure = measure
        self.excludesSelf = excludesSelf ?? (y == nil)
        rowLabels = try labels.map { try Self.checked($0, count: x.shape[0], on: x.device, operation) }
        self.columnLabels = try (columnLabels ?? labels).map { try Self.checked($0, count: other.shape[0], on: x.device, operation) }
    }

    private static func checked(_ labels: Tensor, count: Int, on device: Device, _ operation: String) throws -> Tensor {
        guard try !labels.checked().dtype.isFloatingPoint else {
            throw TensorError.dtypeMismatch(operation: operation, expected: "integer labels", actual: [labels.dtype])
        }
        guard labels.shape == [count] else {
            throw TensorError.shapeMismatch(operation: operation, expected: "labels [\(count)]", actual: [labels.shape])
        }
        guard labels.device == device else {
            throw TensorError.deviceMismatch(operation: operation, devices: ["\(device)", "\(labels.device)"])
        }
        if labels.dtype == .int64, let row = try labels.array(of: Int.self).firstIndex(where: { Int32(exactly: $0) == nil }) {
            throw TensorError.invalidArgument(operation: operation, expected: "labels that fit 32 bits", actual: "another in row \(row)")
        }
        return try labels.asType(.int32).packed().evaluated()
    }

    /// The kernel of a reduction with its mask.
    func kernel(_ reduction: RowPairs.Reduction, over selection: Selection, scale: Double = 1, shift: Tensor? = nil) throws -> RowPairs {
        var kernel = RowPairs(reduction, columns: m)
        kernel.excludesSelf = excludesSelf
        kernel.scale = Float(scale)
        kernel.shift = try shift?.slice()
        if selection != .all {
            kernel.selection = selection == .positives ? .same : .different
            guard let rowLabels, let columnLabels else {
                throw TensorError.invalidArgument(operation: "PairRows", expected: "labels to tell positives", actual: "none")
            }
            kernel.rowLabels = try rowLabels.slice()
            kernel.columnLabels = try columnLabels.slice()
        }
        return kernel
    }

    /// The points as blocks of pairs.
    func blocks() throws -> PairBlocks {
        let (n, m, d) = (n, m, x.shape[1])
        let (a, b) = (stopGradient(x).packed(), stopGradient(y).packed())
        let isTransposed = PairBlocks.readsTransposed(measure, n: n, m: m, d: d, on: device)
        let turned = isTransposed ? try b.transposed().packed() : b
        return try PairBlocks(measure, n: n, m: m, d: d, x: a.slice(), y: b.slice(), yTransposed: turned.slice(), on: device)
    }

    /// The mask of all pairs [n, m], for derivatives that are differentiated again.
    func mask(_ selection: Selection) throws -> Tensor {
        let columns = try Tensor.arange(to: Double(m), on: device).expandedDimensions(at: 0)
        let rows = try Tensor.arange(to: Double(n), on: device).expandedDimensions(at: 1)
        let isSelf = columns .== rows
        let isTaken = excludesSelf ? !isSelf : isSelf .|| !isSelf
        guard selection != .all, let rowLabels, let columnLabels else { return isTaken }
        let isSame = try rowLabels.expandedDimensions(at: 1) .== columnLabels.expandedDimensions(at: 0)
        return isTaken .&& (selection == .positives ? isSame : !isSame)
    }

    /// The derivatives of the points, from those of each block's values.
    func pullback(
        isNeeded: [Bool], _ weights: (_ rows: Range<Int>, _ values: BufferSlice, _ weight: BufferSlice) throws -> Void
    ) throws -> [Tensor?] {
        guard n > 0, m > 0 else { return try [x, y].map { try Tensor.zeros($0.shape, on: device) } }
        let blocks = try blocks()
        let weight = try blocks.block()
        let slopes = try [x, y].enumerated().map {
            isNeeded[$0.offset] ? try Tensor.empty($0.element.shape, dtype: .float32, on: device) : nil
        }
        let (dx, dy) = (try slopes[0]?.output(), try slopes[1]?.output())
        try blocks.forEachBlock { rows, values in
            try blocks.values(of: rows, into: values)
            try weights(rows, values, weight)
            try blocks.pullback(rows, values: values, weight: weight, dx: dx, dy: dy)
        }
        return slopes
    }
}
