import LossKit

extension Kernel {
    /// Persistent homology of points on circles and of images, spanning trees of many points, and those of many clouds.
    static func topology(quick: Bool) -> [Kernel] {
        let trees = [(1000, 2), (5000, 2), (20_000, 2), (100_000, 2), (5000, 16), (20_000, 16), (5000, 128), (20_000, 128)]
        return (quick ? [200] : [200, 500, 1000, 2000]).map(rips) + (quick ? [[64, 64]] : [[512, 512], [64, 64, 64]]).map(cubical)
            + (quick ? [(1000, 2)] : trees).map(tree) + [signature(quick ? 8 : 256)]
    }

    /// The length of the tree of evenly spread points.
    private static func tree(_ n: Int, _ d: Int) -> Kernel {
        let pairs = Double(n * n) / 2
        return Kernel(
            name: "spanningTree", size: "\(n)x\(d)", inputs: { [try random([n, d], seed: 1, on: $0)] },
            function: { try minimumSpanningTree($0[0]).lengths.sum() }, bound: .pairs(forward: pairs, both: pairs))
    }

    /// The signature loss of many clouds of 128 points in eight dimensions and their embeddings in two.
    private static func signature(_ clouds: Int) -> Kernel {
        let pairs = 2 * Double(clouds * 128 * 128)
        return Kernel(
            name: "topologicalSignature", size: "\(clouds)x128",
            inputs: { [try random([clouds, 128, 2], seed: 1, on: $0), try random([clouds, 128, 8], seed: 2, on: $0)] },
            function: { try topologicalSignature(inputs: $0[1], embeddings: $0[0]) }, bound: .pairs(forward: pairs, both: pairs),
            // PyTorch takes distances from matrix products, which cancel.
            gradientTolerance: Tolerance(relative: 2e-5, ofLargest: 2e-6, absolute: 5e-6))
    }

    /// The loops of points near a circle.
    private static func rips(_ n: Int) -> Kernel {
        let pairs = Double(n * n) / 2
        return Kernel(
            name: "ripsPersistence", size: "\(n)x2",
            inputs: { device in
                let angle = try random([n], seed: 1, on: device) * .pi
                let radius = try 1 + 0.2 * random([n], seed: 2, on: device)
                return [try Tensor.stack([angle.cos() * radius, angle.sin() * radius], axis: 1).evaluated()]
            }, function: { try ripsPersistence($0[0])[1].persistence.sum() }, bound: .pairs(forward: pairs, both: pairs))
    }

    /// All classes of an image of noise.
    private static func cubical(_ shape: [Int]) -> Kernel {
        let bytes = 4 * Double(shape.reduce(1, *))
        return Kernel(
            name: "cubicalPersistence", size: shape.map { "\($0)" }.joined(separator: "x"),
            inputs: { [try random(shape, seed: 1, on: $0)] },
            function: { image in
                let lives = try cubicalPersistence(image[0]).map { try $0.persistence.sum() }
                return try Tensor.stack(lives).sum()
            }, bound: .bytes(forward: bytes, both: 2 * bytes))
    }
}
