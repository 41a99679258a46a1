import LossKit
import Workshop

/// Trains on digits of which two in five have a wrong label: plain cross-entropy first learns, then remembers the mistakes; symmetric
/// cross-entropy and early-learning regularisation (ELR) do not.
@main
struct NoisyLabels {
    static func main() throws {
        let digits = try Digits()
        var random = Philox(seed: 2)
        let truth = digits.training.labels
        let count = truth.shape[0]
        // Any other label, each as likely.
        let isWrong = try Tensor.uniform([count], using: &random) .< 0.4
        let shift = try (Tensor.uniform([count], using: &random) * 9).asType(.int64) + 1
        let labels = try Tensor.select(isWrong, (truth + shift).remainder(Tensor(10)), truth)
        let wrong = try (labels .!= truth).asType(.float32).mean().scalar()
        print("\(percent(wrong)) of \(count) labels are wrong")

        var held: [(name: String, values: [Double])] = []
        var remembered: [(name: String, values: [Double])] = []
        for name in ["cross-entropy", "symmetric", "ELR"] {
            var random = Philox(seed: 8)
            let network = try Network([64, 256, 10], using: &random)
            var parameters = network.parameters
            var optimizer = Adam(learningRate: 2e-3)
            var averages = try Tensor.zeros([count, 10])
            var (accuracies, mistakes): ([Double], [Double]) = ([], [])
            for _ in 0..<60 {
                // An average for each example: all of them move once an epoch.
                if name == "ELR" { averages = try earlyLearningAverages(logits: network(digits.training.images, parameters[...]), previous: averages) }
                for batch in try digits.batches(of: 64, using: &random) {
                    let (images, targets) = (try digits.training.images.rows(at: batch), try labels.rows(at: batch))
                    let kept = try averages.rows(at: batch)
                    let slopes = try gradient(at: parameters) { p in
                        let logits = try network(images, p[...])
                        switch name {
                        case "symmetric": return try symmetricCrossEntropy(logits: logits, targets: targets, alpha: 0.1, beta: 1)
                        case "ELR": return try earlyLearning(logits: logits, targets: targets, averages: kept, weight: 7)
                        default: return try crossEntropy(logits: logits, targets: targets)
                        }
                    }
                    parameters = try optimizer.step(parameters, gradients: slopes)
                }
                accuracies.append(try accuracy(network(digits.heldOut.images, parameters[...]), digits.heldOut.labels))
                let guesses = try network(digits.training.images, parameters[...]).argMax(axis: 1)
                let followed = try ((guesses .== labels).asType(.float32) * isWrong.asType(.float32)).sum().scalar()
                mistakes.append(followed / (wrong * Double(count)))
            }
            print("\(name): held-out accuracy \(percent(accuracies.last ?? 0)), at best \(percent(accuracies.max() ?? 0)); "
                + "wrong labels remembered \(percent(mistakes.last ?? 0))")
            held.append((name, accuracies.map { 100 * $0 }))
            remembered.append((name, mistakes.map { 100 * $0 }))
        }
        var drawing = Drawing()
        drawing.curves(held, title: "Held-out accuracy, %, by epoch")
        drawing.curves(remembered, title: "Wrong labels remembered, %, by epoch", from: 0)
        try drawing.write(to: "noisy-labels.svg")
    }

    static func accuracy(_ logits: Tensor, _ labels: Tensor) throws -> Double {
        try (logits.argMax(axis: 1) .== labels).asType(.float32).mean().scalar()
    }

    static func percent(_ share: Double) -> String { "\((1000 * share).rounded() / 10) %" }
}
