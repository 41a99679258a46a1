import LossKit

extension Kernel {
    /// Batches of embeddings, and neighbours.
    static func pairs(quick: Bool) -> [Kernel] {
        let batches = [(128, 32), (1024, 128), (4096, 128)].prefix(quick ? 1 : 3).flatMap(batchLosses)
        return batches + [(2000, 16), (20000, 64)].prefix(quick ? 1 : 2).map(neighbors)
    }

    /// Losses over the pairs and triplets of a batch of embeddings [n, d].
    private static func batchLosses(_ n: Int, _ d: Int) -> [Kernel] {
        let flops = 2 * Double(n * n * d)
        func kernel(_ name: String, sharing size: Int, _ loss: @escaping @Sendable (Tensor, Tensor) throws -> Tensor) -> Kernel {
            Kernel(
                name: name, size: "\(n)x\(d)",
                inputs: { device in
                    // As many rows of each label, in no order.
                    [try random([n, d], seed: 1, on: device), try Tensor((0..<n).map { $0 * 37 % (n / size) }, on: device)]
                }, function: { try loss($0[0], $0[1]) },
                // The similarities once each way, and what each set of points gets.
                bound: .operations(forward: flops, both: 4 * flops), gradientTolerance: Tolerance(relative: 2e-5, ofLargest: 1e-5))
        }
        return [
            kernel("ntXent", sharing: 2) { try ntXent(embeddings: $0, labels: $1) },
            kernel("supCon", sharing: 4) { try supCon(embeddings: $0, labels: $1) },
            kernel("batchTripletMargin", sharing: 4) { try batchTripletMargin(embeddings: $0, labels: $1) },
            kernel("batchAllTriplets", sharing: 4) { try batchTripletMargin(embeddings: $0, labels: $1, mining: .batchAll) },
        ]
    }
}
