/// Clusters of varying density, noise, and how surely each point belongs.
public struct HDBSCAN: Sendable {
    /// Which clusters of the hierarchy are told apart.
    public enum Selection: String, Sendable, CaseIterable {
        /// Those that are most stable together (excess of mass).
        case excessOfMass
        /// The smallest ones.
        case leaf
    }

    /// [n] int64: each point's cluster from 0 on, -1 for noise.
    public let labels: Tensor
    /// [n]: how surely each point belongs to its cluster, 1 for the densest; 0 for noise.
    public let probabilities: Tensor
    /// How stable each cluster is, see ``CondensedTree/stabilities``.
    public let stabilities: [Double]
    /// The hierarchy by distances of mutual reachability.
    public let linkage: SingleLinkage
    /// The hierarchy without its smallest splits.
    public let tree: CondensedTree

    init(_ linkage: SingleLinkage, minimumClusterSize: Int, selection: Selection, allowsSingleCluster: Bool) throws {
        self.linkage = linkage
        tree = try CondensedTree(linkage, minimumClusterSize: minimumClusterSize)
        let n = tree.pointCount
        let clusters = tree.selected(selection, allowsSingleCluster: allowsSingleCluster)
        let stability = tree.stabilities
        stabilities = clusters.map { stability[$0 - n] }
        var deaths = [Double](repeating: 0, count: tree.clusterCount)
        for row in tree.rows { deaths[row.parent - n] = max(deaths[row.parent - n], row.lambda) }
        // The selected cluster that holds each one; rows come after their parents' own.
        var holder = [Int?](repeating: nil, count: tree.clusterCount)
        let names = Dictionary(uniqueKeysWithValues: clusters.enumerated().map { ($1 - n, $0) })
        holder[0] = names[0]
        var (labels, probabilities) = ([Int64](repeating: -1, count: n), [Float](repeating: 0, count: n))
        for row in tree.rows {
            let own = holder[row.parent - n]
            guard row.child < n else {
                holder[row.child - n] = names[row.child - n] ?? own
                continue
            }
            guard let own else { continue }
            let death = deaths[clusters[own] - n]
            // Of a cluster of everything only the densest points belong, or everything would.
            if clusters[own] == n && row.lambda < death { continue }
            labels[row.child] = Int64(own)
            probabilities[row.child] = row.lambda.isFinite && death > 0 ? Float(min(row.lambda, death) / death) : 1
        }
        let device = linkage.heights.device
        (self.labels, self.probabilities) = (try Tensor(labels, on: device), try Tensor(probabilities, on: device))
    }
}

/// Clusters points by density, without a radius (HDBSCAN).
///
/// Distances of mutual reachability, `max(core_i, core_j, d_ij)` with core_i the distance to the k-th nearest other point, are joined by
/// single linkage; of the hierarchy those clusters are kept that are stable over the largest range of densities.
///
/// - Parameters:
///   - points: [n, d] with n >= 2, floating point, finite.
///   - minimumClusterSize: What is smaller is noise; at least 2.
///   - minimumSamples: k, in 1...n - 1; the size of clusters (but at most n - 1) by default. That of the hdbscan package; scikit-learn
///     counts the point itself too.
///   - metric: See ``minimumSpanningTree(_:metric:)``.
///   - selection: Which clusters are told apart.
///   - allowsSingleCluster: Whether all points may be one cluster.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for the numbers; see ``minimumSpanningTree(_:metric:)``.
/// - Note: The tree is ``mutualReachabilityTree(_:minimumSamples:metric:)``, what follows runs on the host. R. Campello, D. Moulavi, A. Zimek, J. Sander,
///   Hierarchical density estimates for data clustering, visualization, and outlier detection, 2015.
public func hdbscan(
    _ points: Tensor, minimumClusterSize: Int = 5, minimumSamples: Int? = nil, metric: Metric = .euclidean,
    selection: HDBSCAN.Selection = .excessOfMass, allowsSingleCluster: Bool = false
) throws -> HDBSCAN {
    guard try points.checked().rank == 2, points.shape[0] >= 2, points.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(operation: "hdbscan", expected: "at least 2 floating-point points [n, d]", actual: [points.shape])
    }
    let samples = minimumSamples ?? min(minimumClusterSize, points.shape[0] - 1)
    let tree = try mutualReachabilityTree(points, minimumSamples: samples, metric: metric)
    let linkage = try SingleLinkage(edges: tree.edges.array(of: Int.self), lengths: tree.lengths)
    return try HDBSCAN(
        linkage, minimumClusterSize: minimumClusterSize, selection: selection, allowsSingleCluster: allowsSingleCluster)
}
