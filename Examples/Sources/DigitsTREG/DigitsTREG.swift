import LossKit
import Workshop

/// Trains a classifier of digits whose embeddings have two coordinates, without and with the spanning-tree regulariser (T-REG), which spreads
/// them out.
@main
struct DigitsTREG {
    static func main() throws {
        let digits = try Digits()
        let labels = try digits.heldOut.labels.array(of: Int.self)
        var drawing = Drawing()
        for weight in [0, 0.5] {
            var random = Philox(seed: 5)
            let encoder = try Network([64, 128, 2], using: &random)
            let head = try Network([2, 64, 10], using: &random)
            let count = encoder.parameters.count
            var parameters = encoder.parameters + head.parameters
            var optimizer = Adam(learningRate: 3e-3)
            for _ in 0..<60 {
                for batch in try digits.batches(of: 128, using: &random) {
                    let (images, targets) = (try digits.training.images.rows(at: batch), try digits.training.labels.rows(at: batch))
                    let slopes = try gradient(at: parameters) { p in
                        let embeddings = try encoder(images, p[..<count])
                        let loss = try crossEntropy(logits: head(embeddings, p[count...]), targets: targets)
                        // Gamma spreads the points, lambda keeps them near the unit circle.
                        return weight == 0 ? loss : try loss + weight * mstLengthRegularizer(embeddings, gamma: 1, lambda: 0.1)
                    }
                    parameters = try optimizer.step(parameters, gradients: slopes)
                }
            }
            let embeddings = try encoder(digits.heldOut.images, parameters[..<count])
            let logits = try head(embeddings, parameters[count...])
            let accuracy = try (logits.argMax(axis: 1) .== digits.heldOut.labels).asType(.float32).mean().scalar()
            let radius = try embeddings.norm(axes: [1])
            let share = try (radius.max() / radius.mean()).scalar()
            let name = weight == 0 ? "cross-entropy alone" : "with T-REG"
            print("\(name): accuracy \(percent(accuracy)), the largest radius is \(Float(share)) times the mean one")
            try drawing.scatter(embeddings, labels: labels, title: "\(name): \(percent(accuracy))")
        }
        try drawing.write(to: "digits-t-reg.svg")
    }

    static func percent(_ share: Double) -> String { "\((1000 * share).rounded() / 10) %" }
}
