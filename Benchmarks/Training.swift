import LossKit

/// What an epoch of training came to.
struct Epoch: Codable, Equatable {
    var trainingLoss: Double
    var heldOutLoss: Double
    var accuracy: Double
}

/// The main job: an encoder and a classifier of digits, trained with cross-entropy and a spanning-tree regulariser on the embeddings.
struct Training {
    var epochs = 20
    private let batchSize = 128
    private let regularization = 0.05

    /// The curve of one run; the same seed gives the same curve.
    func run(_ digits: Digits, seed: UInt64, progress: (Int, Epoch) -> Void = { _, _ in }) throws -> [Epoch] {
        var random = Philox(seed: seed)
        var parameters = try initialParameters(using: &random, on: digits.training.images.device)
        var optimizer = Adam(learningRate: 2e-3)
        let count = digits.training.images.shape[0]
        let schedule = LearningRateSchedule.cosine(peak: 4e-3, floor: 1e-4, steps: epochs * (count / batchSize), warmup: 20)
        var step = 0
        var curve: [Epoch] = []
        for epoch in 0..<epochs {
            let order = try Tensor.permutation(count, using: &random, on: digits.training.images.device)
            var total = 0.0
            let batches = count / batchSize
            for batch in 0..<batches {
                let picked = order[batch * batchSize..<(batch + 1) * batchSize]
                let images = try digits.training.images.rows(at: picked)
                let labels = try digits.training.labels.rows(at: picked)
                let (value, gradients) = try valueWithGradient(at: parameters) { parameters in
                    let (embeddings, logits) = try forward(images, parameters)
                    return try crossEntropy(logits: logits, targets: labels) + regularization * mstLengthRegularizer(embeddings)
                }
                optimizer.learningRate = schedule.rate(at: step)
                parameters = try optimizer.step(parameters, gradients: gradients)
                total += try value.scalar()
                step += 1
            }
            let result = try evaluate(parameters, on: digits.heldOut, trainingLoss: total / Double(batches))
            curve.append(result)
            progress(epoch, result)
        }
        return curve
    }

    private func evaluate(_ parameters: [Tensor], on heldOut: (images: Tensor, labels: Tensor), trainingLoss: Double) throws -> Epoch {
        let (_, logits) = try forward(heldOut.images, parameters)
        let loss = try crossEntropy(logits: logits, targets: heldOut.labels).scalar()
        let accuracy = try (logits.argMax(axis: 1) .== heldOut.labels).asType(.float32).mean().scalar()
        return Epoch(trainingLoss: trainingLoss, heldOutLoss: loss, accuracy: accuracy)
    }

    /// Embeddings [n, 32] and logits [n, 10].
    private func forward(_ images: Tensor, _ p: [Tensor]) throws -> (Tensor, Tensor) {
        let hidden = try (images.matmul(p[0]) + p[1]).gelu()
        let embeddings = try hidden.matmul(p[2]) + p[3]
        return (embeddings, try embeddings.gelu().matmul(p[4]) + p[5])
    }

    /// Weights evenly spread within +-sqrt(6 / inputs) (He et al., 2015), biases 0.
    private func initialParameters(using random: inout Philox, on device: Device) throws -> [Tensor] {
        var parameters: [Tensor] = []
        for (inputs, outputs) in [(64, 128), (128, 32), (32, 10)] {
            let bound = (6 / Double(inputs)).squareRoot()
            parameters.append(try .uniform([inputs, outputs], low: -bound, high: bound, using: &random, on: device))
            parameters.append(try Tensor.zeros([outputs], on: device).evaluated())
        }
        return parameters
    }
}
