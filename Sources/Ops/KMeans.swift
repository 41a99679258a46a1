import LossKitKernels

/// A division of points among centres.
public struct KMeans: Sendable {
    /// [clusters, d].
    public let centers: Tensor
    /// [n] int64: the centre of each point.
    public let assignments: Tensor
    /// The sum of the points' squared distances to their centres.
    public let inertia: Double
    /// How many times the centres were moved.
    public let iterations: Int
    /// Whether no point changed its centre any more.
    public let hasConverged: Bool
}

/// Divides points [n, d] among centres, each the mean of the points nearest to it, so that the squared distances are small.
///
/// Lloyd's iterations from a start by k-means++: each first centre is a point drawn with probability proportional to its squared distance
/// from those before. A centre that loses all its points moves to the point farthest from its own. The same seed gives the same result on
/// one device.
/// - Parameters:
///   - points: [n, d], floating point, computed in float32; nothing is differentiated.
///   - clusters: In 1...n.
///   - maximumIterations: How often the centres are moved at most.
///   - seed: Of the draws.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``, also
///   naming the first point that is not finite.
/// - Note: Lloyd, Least Squares Quantization in PCM, 1982; Arthur and Vassilvitskii, k-means++: The Advantages of Careful Seeding, 2007.
public func kMeans(_ points: Tensor, clusters: Int, maximumIterations: Int = 100, seed: UInt64 = 0) throws -> KMeans {
    let operation = "kMeans"
    guard try points.checked().rank == 2, points.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(operation: operation, expected: "floating-point points [n, d]", actual: [points.shape])
    }
    let n = points.shape[0]
    guard clusters >= 1, clusters <= n else {
        throw TensorError.invalidArgument(operation: operation, expected: "clusters in 1...\(max(n, 1))", actual: "\(clusters)")
    }
    guard maximumIterations >= 0 else {
        throw TensorError.invalidArgument(operation: operation, expected: "maximumIterations of at least 0", actual: "\(maximumIterations)")
    }
    let x = try stopGradient(points).asType(.float32).packed().evaluated()
    var centers = try x.firstCenters(clusters, seed: seed, operation)
    var nearest = try nearestNeighbors(of: x, in: centers, k: 1, metric: .squaredEuclidean)
    var places = try nearest.indices.array(of: Int.self)
    var (iterations, hasConverged) = (0, false)
    while iterations < maximumIterations, !hasConverged {
        centers = try x.means(of: &places, nearest.distances, clusters: clusters)
        nearest = try nearestNeighbors(of: x, in: centers, k: 1, metric: .squaredEuclidean)
        let moved = try nearest.indices.array(of: Int.self)
        hasConverged = moved == places
        places = moved
        iterations += 1
    }
    let inertia = try nearest.distances.array(of: Float.self).reduce(0.0) { $0 + Double($1) }
    return KMeans(
        centers: centers.asType(points.dtype), assignments: try nearest.indices.reshaped([n]), inertia: inertia, iterations: iterations,
        hasConverged: hasConverged)
}

extension Tensor {
    /// Rows by k-means++.
    fileprivate func firstCenters(_ clusters: Int, seed: UInt64, _ operation: String) throws -> Tensor {
        var random = Philox(seed: seed)
        let n = shape[0]
        var chosen = [Int.random(in: 0..<n, using: &random)]
        var apart = [Double](repeating: .infinity, count: n)
        while chosen.count < clusters {
            let last = try rows(at: Tensor([chosen[chosen.count - 1]], on: device))
            let distances = try nearestNeighbors(of: self, in: last, k: 1, metric: .squaredEuclidean).distances.array(of: Float.self)
            for (row, distance) in distances.enumerated() { apart[row] = Swift.min(apart[row], Double(distance)) }
            let total = apart.reduce(0, +)
            guard total > 0, total.isFinite else {
                // All points are centres already, so that any point will do.
                chosen.append(Int.random(in: 0..<n, using: &random))
                continue
            }
            var rest = Double.random(in: 0..<total, using: &random)
            var place = n - 1
            for (row, mass) in apart.enumerated() {
                rest -= mass
                guard rest < 0 else { continue }
                place = row
                break
            }
            // What rounding leaves over goes to the last point that is apart.
            if apart[place] == 0 { place = apart.lastIndex { $0 > 0 } ?? place }
            chosen.append(place)
        }
        return try rows(at: Tensor(chosen, on: device)).packed().evaluated()
    }

    /// The means of the rows of each place; where there is none, the row farthest from its own, which then has that place.
    fileprivate func means(of places: inout [Int], _ distances: Tensor, clusters: Int) throws -> Tensor {
        var counts = [Int](repeating: 0, count: clusters)
        for place in places { counts[place] += 1 }
        if counts.contains(0) {
            let apart = try distances.array(of: Float.self)
            var farthest = apart.indices.sorted { apart[$0] > apart[$1] || (apart[$0] == apart[$1] && $0 < $1) }[...]
            for place in 0..<clusters where counts[place] == 0 {
                while let row = farthest.popFirst() {
                    guard counts[places[row]] > 1 else { continue }
                    counts[places[row]] -= 1
                    counts[place] = 1
                    places[row] = place
                    break
                }
            }
        }
        let sums = try rowsSummed(at: Tensor(places, on: device).evaluated(), bound: clusters)
        let sizes = try Tensor(counts.map { Float($0) }, shape: [clusters, 1], on: device)
        return try (sums / sizes).packed().evaluated()
    }
}
