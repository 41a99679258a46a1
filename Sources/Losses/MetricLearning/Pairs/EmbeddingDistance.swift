import LossKitOps

/// How far apart, or how alike, metric-learning losses take two embeddings to be.
public struct EmbeddingDistance: Sendable, Equatable {
    /// What is measured between two embeddings.
    public enum Measure: String, Sendable, CaseIterable {
        /// |x - y|, as `LpDistance`.
        case euclidean
        /// |x - y|^2, as `LpDistance(power=2)`.
        case squaredEuclidean
        /// sum |x - y|, as `LpDistance(p=1)`, but of embeddings divided by their Euclidean norms.
        case manhattan
        /// x.y / (|x| |y|), a similarity.
        case cosine
        /// x.y, a similarity.
        case dot
        /// var(x - y) / var(x) over coordinates, as `SNRDistance`: the noise a row y makes of a row x.
        case signalToNoise
    }

    /// What is measured.
    public var measure: Measure
    /// Whether embeddings are divided by their norms first.
    public var isNormalized: Bool

    /// A measure of embeddings on the unit sphere, or of embeddings as they are.
    public init(_ measure: Measure, isNormalized: Bool = true) {
        self.measure = measure
        self.isNormalized = isNormalized
    }

    /// |x - y| of unit vectors.
    public static let euclidean = EmbeddingDistance(.euclidean)
    /// |x - y|^2 of unit vectors.
    public static let squaredEuclidean = EmbeddingDistance(.squaredEuclidean)
    /// The cosine of the angle between two embeddings.
    public static let cosine = EmbeddingDistance(.cosine)
    /// x.y of unit vectors.
    public static let dot = EmbeddingDistance(.dot)
    /// var(x - y) / var(x) of unit vectors.
    public static let signalToNoise = EmbeddingDistance(.signalToNoise)

    /// Whether large values mean alike.
    public var isSimilarity: Bool { measure == .cosine || measure == .dot }

    /// All pairs of rows: x [n, d] and y [m, d] (x itself where nil) give [n, m], in float32 or float64.
    ///
    /// Gradient: 0 at Euclidean distance 0. An embedding of length 0 stays 0 when it is normalised; one without variance has
    /// signal-to-noise distance 0 to all.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
    public func callAsFunction(_ x: Tensor, _ y: Tensor? = nil) throws -> Tensor {
        for points in [x, y ?? x] {
            try requireShape(points, [nil, x.shape.last], "embeddings", "EmbeddingDistance")
            try requireFloatingPoint(points, "EmbeddingDistance")
        }
        let first = try prepared(x)
        return try values(ofPrepared: first, y.map { try prepared($0) } ?? first)
    }

    /// The same of rows that are ``prepared(_:)``.
    private func values(ofPrepared first: Tensor, _ second: Tensor) throws -> Tensor {
        switch measure {
        case .euclidean: return try pairwiseDistance(first, second)
        case .squaredEuclidean: return try pairwiseDistance(first, second, metric: .squaredEuclidean)
        case .manhattan: return try pairwiseDistance(first, second, metric: .manhattan)
        case .cosine, .dot: return try first.matmul(second.transposed())
        case .signalToNoise:
            let power = try first.square().sum(axes: [1], keepDimensions: true)
            let isFlat = power .== 0
            let noise = try pairwiseDistance(first, second, metric: .squaredEuclidean)
            return try Tensor.select(isFlat, first.constant(0), noise / Tensor.select(isFlat, first.constant(1), power))
        }
    }

    /// All pairs of prepared rows so that larger is farther: distances, or similarities times -1.
    func separation(ofPrepared first: Tensor, _ second: Tensor) throws -> Tensor {
        let values = try values(ofPrepared: first, second)
        return isSimilarity ? -values : values
    }

    /// All pairs so that larger is farther: distances, or similarities times -1.
    func separation(_ x: Tensor, _ y: Tensor? = nil) throws -> Tensor { isSimilarity ? -(try self(x, y)) : try self(x, y) }

    /// What takes a margin in the measure's units to those of ``separation(_:_:)``.
    var sign: Double { isSimilarity ? -1 : 1 }

    /// The rows as the measure takes them.
    func prepared(_ points: Tensor) throws -> Tensor {
        let rows = isNormalized || measure == .cosine ? try points.inArithmetic().unitRows() : points.inArithmetic()
        return measure == .signalToNoise ? try rows - rows.mean(axes: [1], keepDimensions: true) : rows
    }
}

extension Tensor {
    /// Rows divided by their norms; a row of zeros stays one. Nothing over- or underflows on the way.
    func unitRows() throws -> Tensor {
        let scaled = try self / magnitude(axes: [-1])
        return try scaled / scaled.norm(axes: [-1], keepDimensions: true).clamped(min: 1e-12)
    }

    /// 1 - cos of the angles between all of these unit rows [n, d] and others [m, d]: half their squared distances, which tell directions
    /// apart that have one cosine in float32. Beside a row of zeros it is 1.
    func gaps(to others: Tensor) throws -> Tensor {
        guard dtype != .float64 else { return try 1 - matmul(others.transposed()) }
        return try pairwiseDistance(self, others, metric: .squaredEuclidean) * 0.5 + lack().expandedDimensions(at: 1) + others.lack()
    }

    /// 1 - cos of the angles between these unit rows and others, one by one; see ``gaps(to:)``.
    func gaps(besides others: Tensor) throws -> Tensor {
        try (self - others).square().sum(axes: [-1]) * 0.5 + lack() + others.lack()
    }

    /// What the halved squared distances of a row of zeros to others lack.
    private func lack() throws -> Tensor {
        try (stopGradient(self).absolute().max(axes: [-1]) .== 0).asType(dtype) * 0.5
    }
}
