import LossKit

extension Kernel {
    /// Persistent homology of points on circles and of images.
    static func topology(quick: Bool) -> [Kernel] {
        (quick ? [200] : [200, 500]).map(rips) + (quick ? [[64, 64]] : [[512, 512], [64, 64, 64]]).map(cubical)
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
            name: "cubicalPersistence", size: shape.map { "\($0)" }.joined(separator: "x"), inputs: { [try random(shape, seed: 1, on: $0)] },
            function: { image in
                let lives = try cubicalPersistence(image[0]).map { try $0.persistence.sum() }
                return try Tensor.stack(lives).sum()
            }, bound: .bytes(forward: bytes, both: 2 * bytes))
    }
}
