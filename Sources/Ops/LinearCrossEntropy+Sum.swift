import LossKitDevice
import LossKitKernels
import Synchronization

extension LinearCrossEntropy {
    /// The losses' sum over `divisor`, in the type of the hidden states.
    ///
    /// Where it is being differentiated, the gradients are computed along with it: the one number that they still want for is multiplied in
    /// later, and the logits need not be computed again.
    func sum(dividedBy divisor: Double) throws -> Tensor {
        let values = try self.values()
        guard Tensor.records(inputs), rows > 0, var blocks = try values.blocks(cotangent: 1 / divisor) else {
            return try losses().sum() / divisor
        }
        blocks.threshold = filter.map { Float($0.threshold) }
        let results = try self.results()
        func memory(_ input: Tensor?) throws -> Tensor? {
            try input.flatMap { $0.history == nil ? nil : try .empty($0.shape, dtype: .float32, on: device) }
        }
        let gradients = [try memory(hidden), try memory(weight), try memory(bias)]
        let tiles = try blocks.run(
            into: results.slices(),
            .init(hidden: gradients[0]?.output(), weight: gradients[1]?.output(), bias: gradients[2]?.output()), on: device)
        filter?.count(tiles.count, skipped: tiles.skipped)
        let pending = PendingGradients(gradients)
        let inputs = inputs
        let value = try (results.loss.sum() / divisor).asType(hidden.dtype)
        return Tensor.record("linearCrossEntropy", inputs: inputs, output: value) { pullback in
            let cotangent = pullback.cotangent
            if Tensor.records(inputs + [cotangent]) {
                return try gradient(at: inputs) {
                    try composed($0).asType(.float32).sum() / divisor * cotangent.asType(.float32)
                }
            }
            guard let gradients = try pending.taken(times: cotangent) else {
                return try self.gradients(values, results, cotangent: cotangent.asType(.float32) / divisor, isNeeded: pullback.isNeeded)
            }
            return zip(inputs, gradients).map { input, gradient in gradient?.asType(input.dtype) }
        }
    }
}

/// Gradients that want for one factor, and are multiplied with it where they lie by the first who asks.
private final class PendingGradients: Sendable {
    private let gradients: Mutex<[Tensor?]?>

    init(_ gradients: [Tensor?]) { self.gradients = Mutex(gradients) }

    /// The gradients, or nil if they were taken before.
    func taken(times cotangent: Tensor) throws -> [Tensor?]? {
        guard let gradients = gradients.withLock({ held in
            defer { held = nil }
            return held
        }) else { return nil }
        let known = try Tensor.rowCotangent(cotangent)
        let factor = try known.values == nil ? known.factor : Float(cotangent.scalar())
        guard factor != 1 else { return gradients }
        for gradient in gradients.compactMap({ $0 }) {
            try LinearCrossEntropyBlocks.scale(gradient.output(), count: gradient.count, by: factor, on: gradient.device)
        }
        return gradients
    }
}

extension LinearCrossEntropyValues {
    /// The kernel that computes the losses together with their gradients, if it is faster than computing the logits twice.
    fileprivate func blocks(cotangent: Double) throws -> LinearCrossEntropyBlocks? {
        let rows = try kernel(weight, 0..<weight.shape[0])
        var blocks = try LinearCrossEntropyBlocks(
            rows, features: hidden.shape[1], hidden: hidden.slice(), weight: weight.slice(), on: hidden.device)
        blocks?.cotangent = Float(cotangent)
        return blocks
    }
}
