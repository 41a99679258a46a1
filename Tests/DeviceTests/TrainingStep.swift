import LossKit

@testable import LossKitDevice

/// A step of training a small network that uses all of the runtime: matrix products, fused expressions and every kernel family, on two
/// streams.
struct TrainingStep {
    let device: Device
    private let parameters: [Tensor]
    private let inputs: Tensor
    private let labels: Tensor
    private let cloud: Tensor

    init(on device: Device) throws {
        self.device = device
        var random = Philox(seed: 7)
        func values(_ shape: Int...) throws -> Tensor {
            try Tensor(Tensor.normal(shape, using: &random, on: .cpu).array(of: Float.self), shape: shape, on: device)
        }
        parameters = [try values(6, 5), try values(5), try values(5, 3)]
        (inputs, cloud) = (try values(12, 6), try values(9, 5))
        labels = try Tensor((0..<12).map { $0 % 3 }, on: device)
    }

    /// The loss, its gradients, and what the parameters become.
    func run() throws -> [Float] {
        let (value, gradients) = try valueWithGradient(at: parameters) { [self] parameters in
            let hidden = try (inputs.matmul(parameters[0]) + parameters[1]).gelu()
            let logits = try hidden.matmul(parameters[2])
            let stream = try Stream(on: device)
            let transport = try withStream(stream) { try sinkhornDivergence(hidden, cloud, epsilon: 0.5, maximumIterations: 20) }
            let spread: Tensor = try mstLength(hidden) * 0.1
            return try crossEntropy(logits: logits, targets: labels) + spread + transport * 0.01
        }
        var optimizer = Adam()
        let next = try optimizer.step(parameters, gradients: gradients)
        return try ([value] + gradients + next).flatMap { try $0.array(of: Float.self) }
    }
}
