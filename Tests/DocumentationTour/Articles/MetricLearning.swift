// Made of Sources/LossKit/LossKit.docc/Articles/MetricLearning.md by scripts/snippets.

import LossKit

extension Articles {
    static func metricLearning() throws {
        let embeddings = try Tensor([[0, 0], [2, 0.5], [-1, 1], [-2, 2]] as [[Float]])
        let labels = try Tensor([0, 0, 1, 1])
        let (loss, pull) = try valueWithGradient(at: embeddings) { try batchTripletMargin(embeddings: $0, labels: labels, margin: 1) }
        print(try loss.scalar(), try pull.array(of: Float.self))
        print(try multiSimilarity(embeddings: embeddings, labels: labels, miner: .batchHard).scalar())
    }
}
