import LossKit
import Workshop

/// Learns embeddings of digits from the hardest triplets of each batch, and looks held-out digits up among the others: how many of those found
/// first have the same label, before and after. Only the digits 0 to 4 are trained with, so that 5 to 9 are new.
@main
struct HardTriplets {
    static func main() throws {
        let digits = try Digits()
        let known = try digits.training.labels.array(of: Int.self).enumerated().filter { $0.element < 5 }.map(\.offset)
        let (images, labels) = (try digits.training.images.rows(at: Tensor(known)), try digits.training.labels.rows(at: Tensor(known)))
        var random = Philox(seed: 11)
        let network = try Network([64, 128, 16], using: &random)
        func embed(_ images: Tensor, _ p: [Tensor]) throws -> Tensor {
            let points = try network(images, p[...])
            return try points / points.norm(axes: [1], keepDimensions: true)
        }
        var parameters = network.parameters
        var optimizer = Adam(learningRate: 2e-3)
        let before = try Retrieval(embed(digits.heldOut.images, parameters), digits.heldOut.labels)
        for epoch in 1...30 {
            let order = try Tensor.permutation(known.count, using: &random)
            var total = 0.0
            for start in stride(from: 0, to: known.count - 127, by: 128) {
                let batch = order[start..<start + 128]
                let (inputs, targets) = (try images.rows(at: batch), try labels.rows(at: batch))
                let (loss, slopes) = try valueWithGradient(at: parameters) {
                    try batchTripletMargin(embeddings: embed(inputs, $0), labels: targets, margin: 0.2)
                }
                parameters = try optimizer.step(parameters, gradients: slopes)
                total += try loss.scalar()
            }
            if epoch % 10 == 0 { print("epoch \(epoch): triplet loss \(Float(total / Double(known.count / 128)))") }
        }
        let after = try Retrieval(embed(digits.heldOut.images, parameters), digits.heldOut.labels)
        for (name, retrieval) in [("before", before), ("after", after)] {
            print("\(name): precision at 1 \(retrieval.precisionAt1), MAP@R \(retrieval.meanAveragePrecision), of digits never seen "
                + "\(retrieval.precisionOfNew)")
        }
        var drawing = Drawing()
        let pixels = try digits.heldOut.images.array(of: Double.self)
        let queries = (0..<10).compactMap { digit in before.labels.firstIndex(of: digit) }
        for (name, retrieval) in [("before", before), ("after", after)] {
            let rows = queries.map { query in
                ([query] + retrieval.nearest[query].prefix(6)).enumerated().map { place, image in
                    let isSame = retrieval.labels[image] == retrieval.labels[query]
                    return (Array(pixels[64 * image..<64 * image + 64]), place == 0 ? "#222222" : isSame ? "#009e73" : "#d55e00")
                }
            }
            drawing.images(rows, title: "\(name): a digit and its nearest; MAP@R \(retrieval.meanAveragePrecision)")
        }
        try drawing.write(to: "hard-triplets.svg")
    }
}

/// What comes of looking each point up among the others.
struct Retrieval {
    let labels: [Int]
    let nearest: [[Int]]

    init(_ points: Tensor, _ labels: Tensor) throws {
        let n = points.shape[0]
        let found = try nearestNeighbors(of: points, in: points, k: n - 1, excludingSelf: true).indices.array(of: Int.self)
        self.labels = try labels.array(of: Int.self)
        nearest = (0..<n).map { Array(found[$0 * (n - 1)..<($0 + 1) * (n - 1)]) }
    }

    /// How many have a nearest one of their own label.
    var precisionAt1: String { Self.percent(isRight(1)) }

    /// The same over the digits 5 to 9.
    var precisionOfNew: String { Self.percent(zip(isRight(1), labels).filter { $0.1 >= 5 }.map(\.0)) }

    /// Over the R first ones, R being how many there are of the label: the mean precision at each right one (Musgrave et al., 2020).
    var meanAveragePrecision: String {
        Self.percent(
            nearest.enumerated().map { query, found in
                let r = labels.filter { $0 == labels[query] }.count - 1
                var (right, sum) = (0.0, 0.0)
                for (place, other) in found.prefix(r).enumerated() where labels[other] == labels[query] {
                    right += 1
                    sum += right / Double(place + 1)
                }
                return sum / Double(max(r, 1))
            })
    }

    private func isRight(_ place: Int) -> [Double] {
        nearest.enumerated().map { labels[$0.element[place - 1]] == labels[$0.offset] ? 1 : 0 }
    }

    private static func percent(_ shares: [Double]) -> String {
        "\((1000 * shares.reduce(0, +) / Double(max(shares.count, 1))).rounded() / 10) %"
    }
}
