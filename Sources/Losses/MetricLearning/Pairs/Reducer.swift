import LossKitOps

/// What becomes of the elements (pairs, triplets, anchors) of a metric-learning loss.
public struct Reducer: Sendable, Equatable {
    /// The usual ones, by name.
    public enum Kind: String, Sendable, CaseIterable {
        case mean, nonZeroMean, sum
    }

    /// Only elements above this count.
    public let low: Double?
    /// Only elements below this count.
    public let high: Double?
    /// Whether they are summed rather than averaged.
    public let isSum: Bool
    /// What an element is multiplied by, by its anchor's label; nil for nothing.
    public private(set) var classWeights: [Double]?
    /// Whether pairs are averaged over each anchor first.
    public private(set) var isPerAnchor = false

    /// The mean, or the sum, of the elements within bounds; of none, 0. `ThresholdReducer` where there are bounds.
    public init(above low: Double? = nil, below high: Double? = nil, isSum: Bool = false) {
        self.low = low
        self.high = high
        self.isSum = isSum
    }

    /// One of the usual ones.
    public init(_ kind: Kind) {
        self.init(above: kind == .nonZeroMean ? 0 : nil, isSum: kind == .sum)
    }

    /// Their mean, as `MeanReducer`.
    public static let mean = Reducer(.mean)
    /// The mean of those above 0, as `AvgNonZeroReducer`.
    public static let nonZeroMean = Reducer(.nonZeroMean)
    /// Their sum, as `SumReducer`.
    public static let sum = Reducer(.sum)

    /// The same of elements times the weights of their anchors' labels, which are in `0..<weights.count`; what is divided by stays their
    /// number, as `ClassWeightedReducer`. Bounds are of elements without weights.
    public func classWeighted(_ weights: [Double]) -> Reducer {
        var reducer = self
        reducer.classWeights = weights
        return reducer
    }

    /// The same of each anchor's mean over its pairs, 0 of none, as `PerAnchorReducer`; bounds are of these means. Elements that are
    /// anchors already stay what they are.
    public var perAnchor: Reducer {
        var reducer = self
        reducer.isPerAnchor = true
        return reducer
    }

    /// One number of the elements that a mask of their shape selects, or of all; NaN counts.
    ///
    /// - Parameter weights: Of the elements' anchors, in their shape.
    func callAsFunction(_ elements: Tensor, where exists: Tensor? = nil, weights: Tensor? = nil) throws -> Tensor {
        let (kept, counted) = try within(elements, where: exists)
        let total = try (weights.map { kept * $0 } ?? kept).sum()
        return isSum ? total : try total / counted.sum().clamped(min: 1)
    }

    /// What the elements of pairs [b, m] come to for each anchor: their sum and their number, [b, 2].
    func parts(_ elements: Tensor, where exists: Tensor) throws -> Tensor {
        let (kept, counted) = try isPerAnchor ? Reducer.mean.within(elements, where: exists) : within(elements, where: exists)
        return try Tensor.stack([kept.sum(axes: [1]), counted.sum(axes: [1])], axis: 1)
    }

    /// One number of such sums and numbers [n, 2].
    func callAsFunction(parts: Tensor, weights: Tensor?) throws -> Tensor {
        let (sums, counts) = (try parts.slice(axis: 1, from: 0, to: 1).flattened(), try parts.slice(axis: 1, from: 1, to: 2).flattened())
        if isPerAnchor { return try self(sums / counts.clamped(min: 1), weights: weights) }
        let total = try (weights.map { sums * $0 } ?? sums).sum()
        return isSum ? total : try total / counts.sum().clamped(min: 1)
    }

    /// The elements that count, 0 in place of others, and 1 for each of them.
    private func within(_ elements: Tensor, where exists: Tensor?) throws -> (Tensor, Tensor) {
        var counted = try exists ?? Tensor.full(elements.shape, 1, dtype: .bool, on: elements.device)
        if let low { counted = counted .&& !(elements .<= low) }
        if let high { counted = counted .&& !(elements .>= high) }
        return (Tensor.select(counted, elements, try elements.constant(0)), counted.asType(elements.dtype))
    }

    /// The weight of each of a batch's anchors, [n]; nil without weights.
    func weights(of labels: BatchLabels, beside elements: Tensor) throws -> Tensor? {
        guard let classWeights else { return nil }
        let values = try labels.names.enumerated().map { row, label in
            guard classWeights.indices.contains(label) else {
                throw TensorError.invalidArgument(
                    operation: "Reducer", expected: "labels in 0..<\(classWeights.count), which weights are given for",
                    actual: "\(label) in row \(row)")
            }
            return Float(classWeights[label])
        }
        return try Tensor(values, on: elements.device).asType(elements.dtype)
    }
}
