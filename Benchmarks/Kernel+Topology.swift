import LossKit

extension Kernel {
    /// Persistent homology of points on circles, tori and spheres and of images, spanning trees of many points, and those of many clouds.
    static func topology(quick: Bool) -> [Kernel] {
        let trees = [2, 16, 128].flatMap { d in [1000, 5000, 20_000, 100_000].map { ($0, d) } } + [(1_000_000, 3)]
        let sizes = quick ? [200] : [200, 500, 1000, 2000]
        return sizes.map(circle) + sizes.map(torus) + (quick ? [60] : [100, 200]).map(sphere)
            + (quick ? [[64, 64]] : [[64, 64], [256, 256], [512, 512], [1024, 1024], [64, 64, 64]]).map(cubical)
            + (quick ? [(1000, 2)] : [(20_000, 2), (100_000, 2), (10_000, 3), (30_000, 3)]).map(alpha)
            + (quick ? [(1000, 2)] : trees).map(tree) + [signature(quick ? 8 : 256), clouds(quick ? 8 : 256)]
    }

    /// The length of the tree of evenly spread points.
    private static func tree(_ n: Int, _ d: Int) -> Kernel {
        let pairs = Double(n * n) / 2
        var kernel = Kernel(
            name: "spanningTree", size: "\(n)x\(d)", inputs: { [try random([n, d], seed: 1, on: $0)] },
            function: { try minimumSpanningTree($0[0]).lengths.sum() }, bound: .pairs(forward: pairs, both: pairs))
        // Minutes for some of the peers.
        if n * d > 1_000_000 { kernel.mostRepetitions = 1 }
        return kernel
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
    private static func circle(_ n: Int) -> Kernel {
        rips("\(n)x2", dimension: 1, n) { device in
            let angle = try random([n], seed: 1, on: device) * .pi
            let radius = try 1 + 0.2 * random([n], seed: 2, on: device)
            return try Tensor.stack([angle.cos() * radius, angle.sin() * radius], axis: 1)
        }
    }

    /// The loops of points near a torus.
    private static func torus(_ n: Int) -> Kernel {
        rips("torus \(n)x3", dimension: 1, n) { device in
            let (around, across) = (try random([n], seed: 1, on: device) * .pi, try random([n], seed: 2, on: device) * .pi)
            let radius = 2 + across.cos()
            let points = try Tensor.stack([around.cos() * radius, around.sin() * radius, across.sin()], axis: 1)
            return try points + 0.1 * random([n, 3], seed: 3, on: device)
        }
    }

    /// The loops and voids of points near a sphere.
    private static func sphere(_ n: Int) -> Kernel {
        rips("sphere \(n)x3", dimension: 2, n) { device in
            let points = try random([n, 3], seed: 1, on: device)
            return try points / points.norm(axes: [1], keepDimensions: true) + 0.05 * random([n, 3], seed: 2, on: device)
        }
    }

    /// All classes of the union of balls around evenly spread points.
    private static func alpha(_ n: Int, _ d: Int) -> Kernel {
        Kernel(
            name: "alphaPersistence", size: "\(n)x\(d)", inputs: { [try random([n, d], seed: 1, on: $0)] },
            function: { points in try Tensor.stack(alphaPersistence(points[0]).map { try $0.persistence.sum() }).sum() },
            bound: .bytes(forward: 4 * Double(n * d), both: 8 * Double(n * d)))
    }

    /// The loops of many clouds of 64 points.
    private static func clouds(_ count: Int) -> Kernel {
        let pairs = Double(count * 64 * 64) / 2
        return Kernel(
            name: "batchedRipsPersistence", size: "\(count)x64x2", inputs: { [try random([count, 64, 2], seed: 1, on: $0)] },
            function: { clouds in
                let lives = try batchedRipsPersistence(clouds[0]).map { $0[1].persistence }
                return try Tensor.concatenate(lives).sum()
            }, bound: .pairs(forward: pairs, both: pairs))
    }

    private static func rips(_ size: String, dimension: Int, _ n: Int, _ points: @escaping @Sendable (Device) throws -> Tensor) -> Kernel {
        let pairs = Double(n * n) / 2
        var kernel = Kernel(
            name: "ripsPersistence", size: size, inputs: { [try points($0).evaluated()] },
            function: { try ripsPersistence($0[0], maximumDimension: dimension)[dimension].persistence.sum() },
            bound: .pairs(forward: pairs, both: pairs))
        kernel.classes = { try ripsPersistence($0[0], maximumDimension: dimension)[dimension].pairs }
        kernel.options = ["dimension": Double(dimension)]
        if n >= 2000 { kernel.mostRepetitions = 1 }
        return kernel
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
