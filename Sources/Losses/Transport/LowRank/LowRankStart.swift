import LossKitOps

/// The factors that a descent begins with: Q [n, rank] and R [m, rank] with the weights as row sums and equal column sums.
struct LowRankStart {
    private let points: (x: Tensor, y: Tensor)
    /// [n, 1] and [m, 1].
    private let masses: (x: Tensor, y: Tensor)
    private let rank: Int

    init(_ points: (x: Tensor, y: Tensor), _ masses: (x: Tensor, y: Tensor), rank: Int) {
        (self.points, self.masses, self.rank) = (points, masses, rank)
    }

    /// 1 / rank each [1, rank].
    private var even: Tensor { get throws { try Tensor.full([1, rank], 1 / Double(rank), dtype: .float64, on: .cpu).evaluated() } }

    func factors(_ start: LowRankTransportOptions.Start) throws -> (q: Tensor, r: Tensor, g: Tensor) {
        switch start {
        case .deterministic: try nearlyIndependent()
        case .kMeans: try clustered()
        }
    }

    /// Of rank two: nearly independent, but with every column its own.
    private func nearlyIndependent() throws -> (q: Tensor, r: Tensor, g: Tensor) {
        let share = try Swift.min(masses.x.min().scalar(), masses.y.min().scalar(), 1 / Double(rank)) / 2
        func rising(_ count: Int) throws -> Tensor {
            let steps = try Tensor((1...count).map { Double($0) }, on: .cpu)
            return try steps / steps.sum()
        }
        let (columns, even) = (try rising(rank).expandedDimensions(at: 0), try even)
        func start(_ mass: Tensor) throws -> Tensor {
            let rows = try rising(mass.shape[0]).expandedDimensions(at: 1)
            let rest = (rows: (mass - rows * share) / (1 - share), columns: (even - columns * share) / (1 - share))
            return try (rows * columns * share + rest.rows * rest.columns * (1 - share)).evaluated()
        }
        return (try start(masses.x), try start(masses.y), even)
    }

    /// Blurred memberships of clusters, whose pairs an assignment of their centres finds.
    private func clustered() throws -> (q: Tensor, r: Tensor, g: Tensor) {
        let centers = (
            x: try kMeans(points.x, clusters: rank).centers, y: try kMeans(points.y, clusters: rank).centers
        )
        let partners = try assignment(cost: pairwiseDistance(centers.x, centers.y, metric: .squaredEuclidean)).columns
        let even = try even
        func start(_ points: Tensor, _ centers: Tensor, _ mass: Tensor) throws -> Tensor {
            let costs = try pairwiseDistance(points, centers, metric: .squaredEuclidean).asType(.float64).evaluated()
            let spread = try costs.max().scalar()
            var scaling = try ExactScaling(
                (mass, even), epsilon: 0.1 * (spread > 0 ? spread : 1), tolerance: 1e-6, maximumIterations: 1000)
            return try (scaling.solve(costs).exp() * mass * even).evaluated()
        }
        return (try start(points.x, centers.x, masses.x), try start(points.y, centers.y.rows(at: partners), masses.y), even)
    }
}
