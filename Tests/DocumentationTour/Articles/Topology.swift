// Made of Sources/LossKit/LossKit.docc/Articles/Topology.md by scripts/snippets.

import LossKit

extension Articles {
    static func topology() throws {
        let angles = try Tensor.linspace(0, 6.2, count: 40)
        let circle = try Tensor.stack([angles.cos(), angles.sin()], axis: 1)
        let loops = try ripsPersistence(circle, maximumDimension: 1)[1]
        print(try loops.births.array(of: Float.self), try loops.deaths.array(of: Float.self))
        let slope = try gradient(at: circle) { try totalPersistence($0, dimension: 1) }
        print(try slope.norm().scalar())
    }
}
