import LossKit

extension Kernel {
    /// The squared distances of the ten nearest of n points of each of as many others.
    static func neighbors(_ n: Int, _ d: Int) -> Kernel {
        let flops = 2 * Double(n * n * d)
        var kernel = Kernel(
            name: "nearestNeighbors", size: "\(n)x\(n)x\(d)",
            inputs: { [try random([n, d], seed: 1, on: $0), try random([n, d], seed: 2, on: $0)] }, differentiated: 2,
            function: { try nearestNeighbors(of: $0[0], in: $0[1], k: 10, metric: .squaredEuclidean).distances.mean() },
            bound: .operations(forward: flops, both: flops))
        kernel.indices = { try nearestNeighbors(of: $0[0], in: $0[1], k: 10, metric: .squaredEuclidean).indices }
        return kernel
    }
}
