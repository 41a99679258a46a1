import LossKit
import Workshop

/// An autoencoder of digits with two latent coordinates: as it starts, trained to reconstruct alone, and trained to keep the topology of the
/// images as well.
@main
struct TopologicalDigits {
    static func main() throws {
        let digits = try Digits()
        let labels = try digits.heldOut.labels.array(of: Int.self)
        let images = digits.heldOut.images
        var drawing = Drawing()
        for (weight, epochs) in [(0.0, 0), (0, 60), (8, 60)] {
            var random = Philox(seed: 3)
            let encoder = try Network([64, 128, 2], using: &random)
            let decoder = try Network([2, 128, 64], using: &random)
            let count = encoder.parameters.count
            var parameters = encoder.parameters + decoder.parameters
            var optimizer = Adam(learningRate: 2e-3)
            for _ in 0..<epochs {
                for batch in try digits.batches(of: 128, using: &random) {
                    let inputs = try digits.training.images.rows(at: batch)
                    let slopes = try gradient(at: parameters) { p in
                        let latent = try encoder(inputs, p[..<count])
                        let loss = try mse(predictions: decoder(latent, p[count...]), targets: inputs)
                        return weight == 0 ? loss : try loss + weight * topologicalAutoencoder(inputs: inputs, embeddings: latent) / 128
                    }
                    parameters = try optimizer.step(parameters, gradients: slopes)
                }
            }
            let latent = try encoder(images, parameters[..<count])
            let error = try mse(predictions: decoder(latent, parameters[count...]), targets: images).scalar()
            // Both trees have an edge less than there are points, and the loss half the squares of all.
            let apart = try (topologicalAutoencoder(inputs: images, embeddings: latent) / Double(labels.count - 1)).squareRoot().scalar()
            let name = epochs == 0 ? "before" : weight == 0 ? "reconstruction alone" : "and topology"
            print(
                "\(name): squared error \(Float(error)), edges of both trees off by \(Float(apart)), "
                    + "same label as the nearest \(try DigitsNeighbors.purity(latent, labels))")
            try drawing.scatter(latent, labels: labels, title: name)
        }
        try drawing.write(to: "topological-digits.svg")
    }
}

enum DigitsNeighbors {
    /// How many points have a nearest neighbour of their label, in percent.
    static func purity(_ points: Tensor, _ labels: [Int]) throws -> String {
        let near = try nearestNeighbors(of: points, in: points, k: 1, excludingSelf: true).indices.array(of: Int.self)
        let same = near.enumerated().filter { labels[$0.offset] == labels[$0.element] }.count
        return "\((1000 * Double(same) / Double(labels.count)).rounded() / 10) %"
    }
}
