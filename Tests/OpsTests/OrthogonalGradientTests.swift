import LossKit
import LossKitTestSupport
import Testing

@Suite struct OrthogonalGradientTests {
    @Test(arguments: Device.all)
    func stepsKeepTheGradientsLengthAndLeaveTheParametersDirection(device: Device) throws {
        var random = SplitMix64(seed: 1)
        let w = try Tensor(random.values(12).map { Float($0) }, shape: [3, 4], on: device)
        let g = try Tensor(random.values(12).map { Float($0) }, shape: [3, 4], on: device)
        var optimizer = OrthogonalGradient(SGD(learningRate: 1))
        let step = try w - optimizer.step([w], gradients: [g])[0]
        try expectClose((step * w).sum(), [0], tolerance: 1e-5)
        try expectClose(step.norm(), [g.norm().scalar()], tolerance: 1e-5)
        // What is left of a gradient along the parameter is no longer than it was; a parameter of zeros takes a gradient whole.
        let along = try w - optimizer.step([w], gradients: [w * 2])[0]
        #expect(try along.norm().scalar() < 3 * w.norm().scalar())
        let zero = try Tensor.zeros([3, 4], on: device)
        try expectClose(-optimizer.step([zero], gradients: [g])[0], g.array(of: Double.self), tolerance: 1e-6)
        optimizer.learningRate = 0.5
        #expect(optimizer.learningRate == 0.5)
        #expect(throws: TensorError.self) { try optimizer.step([w, w], gradients: [g]) }
    }
}
