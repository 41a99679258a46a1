/// A single-linkage hierarchy without the splits that only shed fewer points than a cluster has at least (HDBSCAN's condensed tree).
///
/// Clusters are numbered from the number of points on, the one of all points first; a row says when a point or a cluster leaves its parent.
public struct CondensedTree: Sendable {
    /// One row of the tree.
    public struct Row: Sendable, Equatable {
        /// A cluster.
        public let parent: Int
        /// A point, or a cluster that begins here.
        public let child: Int
        /// One over the distance at which it leaves.
        public let lambda: Double
        /// How many points the child has.
        public let size: Int
    }

    /// Parents before what leaves them later.
    public let rows: [Row]
    /// How many points there are.
    public let pointCount: Int
    /// How many clusters there are, that of all points included.
    public let clusterCount: Int

    /// - Parameters:
    ///   - linkage: Whose heights are distances of mutual reachability, for HDBSCAN.
    ///   - minimumClusterSize: At least 2.
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a smaller size.
    public init(_ linkage: SingleLinkage, minimumClusterSize: Int) throws {
        guard minimumClusterSize >= 2 else {
            throw TensorError.invalidArgument(
                operation: "CondensedTree", expected: "a minimumClusterSize of at least 2", actual: "\(minimumClusterSize)")
        }
        let n = linkage.count
        let (ends, sizes) = (try linkage.merges.array(of: Int.self), try linkage.sizes.array(of: Int.self))
        let heights = try stopGradient(linkage.heights).array(of: Double.self)
        func size(_ node: Int) -> Int { node < n ? 1 : sizes[node - n] }
        func points(_ node: Int) -> [Int] {
            var (found, pending) = ([Int](), [node])
            while let next = pending.popLast() {
                if next < n { found.append(next) } else { pending += ends[2 * (next - n)...2 * (next - n) + 1] }
            }
            return found
        }
        var rows: [Row] = []
        var clusters = 1
        // Nodes that are still whole clusters, with their numbers, the largest first.
        var pending = [(node: 2 * n - 2, cluster: n)]
        var next = 0
        while next < pending.count {
            let (node, cluster) = pending[next]
            next += 1
            guard node >= n else { continue }
            let height = heights[node - n], lambda = height > 0 ? 1 / height : .infinity
            let children = Array(ends[2 * (node - n)...2 * (node - n) + 1])
            let splits = children.allSatisfy { size($0) >= minimumClusterSize }
            for child in children {
                if splits {
                    rows.append(Row(parent: cluster, child: n + clusters, lambda: lambda, size: size(child)))
                    pending.append((child, n + clusters))
                    clusters += 1
                } else if size(child) >= minimumClusterSize {
                    pending.append((child, cluster))
                } else {
                    rows += points(child).map { Row(parent: cluster, child: $0, lambda: lambda, size: 1) }
                }
            }
        }
        (self.rows, pointCount, clusterCount) = (rows, n, clusters)
    }

    /// How stable each cluster is: `sum over its rows of (lambda - lambda at which it begins) size`, by its number less the number of
    /// points.
    public var stabilities: [Double] {
        var births = [Double](repeating: 0, count: clusterCount)
        for row in rows where row.child >= pointCount { births[row.child - pointCount] = row.lambda }
        var sums = [Double](repeating: 0, count: clusterCount)
        for row in rows {
            let birth = births[row.parent - pointCount]
            // Of what is infinitely dense from the beginning nothing is gained.
            sums[row.parent - pointCount] += row.lambda == birth ? 0 : (row.lambda - birth) * Double(row.size)
        }
        return sums
    }

    /// The clusters that are told apart, by their numbers, ascending.
    func selected(_ selection: HDBSCAN.Selection, allowsSingleCluster: Bool) -> [Int] {
        var children = [[Int]](repeating: [], count: clusterCount)
        for row in rows where row.child >= pointCount { children[row.parent - pointCount].append(row.child - pointCount) }
        if selection == .leaf {
            let leaves = (0..<clusterCount).filter { children[$0].isEmpty && ($0 > 0 || allowsSingleCluster) }
            return leaves.map { $0 + pointCount }
        }
        var best = stabilities
        var isSelected = [Bool](repeating: true, count: clusterCount)
        isSelected[0] = allowsSingleCluster
        for cluster in (0..<clusterCount).reversed() where isSelected[cluster] {
            let below = children[cluster].reduce(0) { $0 + best[$1] }
            if below > best[cluster] {
                isSelected[cluster] = false
                best[cluster] = below
            } else {
                var pending = children[cluster]
                while let next = pending.popLast() {
                    isSelected[next] = false
                    pending += children[next]
                }
            }
        }
        return (0..<clusterCount).filter { isSelected[$0] }.map { $0 + pointCount }
    }
}
