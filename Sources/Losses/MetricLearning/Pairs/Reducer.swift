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

    /// One number of the elements that a mask of their shape selects, or of all; NaN counts.
    func callAsFunction(_ elements: Tensor, where exists: Tensor? = nil) throws -> Tensor {
        var counted = try exists ?? Tensor.full(elements.shape, 1, dtype: .bool, on: elements.device)
        if let low { counted = counted .&& !(elements .<= low) }
        if let high { counted = counted .&& !(elements .>= high) }
        let total = try Tensor.select(counted, elements, elements.constant(0)).sum()
        return isSum ? total : try total / counted.asType(elements.dtype).sum().clamped(min: 1)
    }
}
