import LossKit
import LossKitOps

extension Stop {
    static let pairs: [Stop] = [
        Stop("reductions of rows of pairs") { device in
            var results: [Tensor] = []
            var random = Philox(seed: 11)
            for (n, d) in [(1, 2), (5, 3), (19, 33)] {
                // No two pairs are equally far.
                let points = try Tensor.uniform([n, d], using: &random, on: device)
                let labels = try Tensor((0..<n).map { $0 % 3 }, on: device)
                // What more coordinates than a tile holds change is the same for every measure.
                for measure in d > 32 ? [.euclidean] : [PairRows.Measure.dot, .squaredEuclidean, .euclidean] {
                    let pairs = try PairRows(points, measure: measure, labels: labels)
                    let (far, near) = (try pairs.largest(over: .positives), try pairs.smallest(over: .negatives))
                    results += [
                        far.places, near.places, try pairs.sum(.hinge, over: .negatives, scale: -1, shift: .ones([n], on: device)).slope,
                    ]
                    results.append(
                        try gradient(at: points) { points in
                            let pairs = try PairRows(points, measure: measure, labels: labels)
                            let shift = try Tensor.full([n], 0.2, on: device)
                            let partition = try pairs.logSumExp(over: .negatives, scale: 0.5).softplus().sum()
                            let sums = try pairs.sum(.softplus, over: .positives, shift: shift).value.sum()
                            return try partition + sums + pairs.sum(.squaredHinge, shift: shift).value.sum()
                        })
                    for mining in [PairRows.Mining.all, .semiHard] {
                        results.append(
                            try gradient(at: points) {
                                try PairRows($0, measure: measure, labels: labels).triplets(mining, margin: 0.3).value.sum()
                            })
                    }
                }
            }
            return results
        },
        Stop("nearest neighbours") { device in
            var results: [Tensor] = []
            for (n, m, d, k) in [(1, 1, 1, 1), (5, 19, 3, 4), (7, 70, 18, 9)] {
                let (x, y) = (try numbers([n, d], on: device), try numbers([m, d], on: device))
                for metric in [Metric.squaredEuclidean, .manhattan, .chebyshev, .dot] {
                    // Which of nearly equal ones comes first is left to rounding.
                    results.append(try nearestNeighbors(of: x, in: y, k: k, metric: metric).distances)
                }
            }
            return results
        },
        Stop("distances by coordinates") { device in
            var results: [Tensor] = []
            for metric in CoordinateMetric.allCases {
                for (n, m, d) in [(1, 1, 1), (3, 18, 2), (5, 7, 17)] {
                    let x = try numbers([n, d], on: device)
                    let y: Tensor = try numbers([m, d], on: device) + 0.3
                    results.append(try pairwiseDistance(x, y, metric: metric))
                    results += try gradient(at: [x, y]) { try pairwiseDistance($0[0], $0[1], metric: metric).square().sum() }
                }
            }
            return results
        },
    ]
}
