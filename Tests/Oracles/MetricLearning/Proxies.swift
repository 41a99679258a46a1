import Foundation

extension LossOracle {
    private static func cosine(_ a: [Double], _ b: [Double]) -> Double { zip(unit(a), unit(b)).reduce(0) { $0 + $1.0 * $1.1 } }

    static let proxyNCA = LossOracle(
        name: "proxyNCA",
        cases: [
            LossCase(options: ["scale": "3", "distance": "cosine"], reduction: .none),
            LossCase(options: ["isNormalized": "false", "distance": "euclidean"], reduction: .sum),
        ]
    ) { given in
        let isNormalized = given.word("isNormalized", "true") == "true"
        let (x, proxies) = (given["embeddings"], given["proxies"])
        return (0..<x.rows).map { i -> Double in
            let scores = (0..<proxies.rows).map { k -> Double in
                let (a, b) = isNormalized ? (unit(x.row(i)), unit(proxies.row(k))) : (x.row(i), proxies.row(k))
                switch given.word("distance", "squaredEuclidean") {
                case "cosine": return given.number("scale", 1) * cosine(a, b)
                case "euclidean": return -given.number("scale", 1) * distance(a, b)
                default: return -given.number("scale", 1) * pow(distance(a, b), 2)
                }
            }
            return logSumExp(scores) - scores[Int(given["targets"][i])]
        }
    }

    static let nca = LossOracle(
        name: "nca",
        cases: [
            LossCase(options: ["scale": "3", "distance": "cosine", "reducer": "sum"]),
            LossCase(options: ["isNormalized": "false"], withOptional: true),
        ]
    ) { given in
        let pairs = PairOracle(given, distance: "squaredEuclidean")
        let anchors = pairs.x.indices.filter { !pairs.positives($0).isEmpty }.map { i -> Double in
            func score(_ j: Int) -> Double { -given.number("scale", 1) * pairs.beyond(pairs.value(i, j), 0) }
            let own = pairs.positives(i).map(score)
            return logSumExp(own + pairs.negatives(i).map(score)) - logSumExp(own)
        }
        return [reduced(anchors, given, "mean")]
    }

    static let proxyAnchor = LossOracle(
        name: "proxyAnchor",
        cases: [
            LossCase(options: ["margin": "0.3", "alpha": "8"]),
            LossCase(options: ["distance": "euclidean", "isNormalized": "false", "alpha": "2"]),
        ]
    ) { given in
        let (x, proxies, y) = (given["embeddings"], given["proxies"], given["targets"].values)
        let (alpha, margin) = (given.number("alpha", 32), given.number("margin", 0.1))
        func row(_ matrix: Matrix, _ i: Int) -> [Double] {
            given.word("isNormalized", "true") == "true" ? unit(matrix.row(i)) : matrix.row(i)
        }
        func far(_ i: Int, _ k: Int) -> Double {
            given.word("distance", "cosine") == "euclidean" ? distance(row(x, i), row(proxies, k)) : -cosine(x.row(i), proxies.row(k))
        }
        let signed = given.word("distance", "cosine") == "euclidean" ? margin : -margin
        var (near, apart) = (0.0, 0.0)
        for k in 0..<proxies.rows {
            let (own, others) = (y.indices.filter { Int(y[$0]) == k }, y.indices.filter { Int(y[$0]) != k })
            near += log(1 + own.reduce(0) { $0 + exp(alpha * (far($1, k) - signed)) })
            apart += log(1 + others.reduce(0) { $0 + exp(-alpha * (far($1, k) + signed)) })
        }
        return [near / Double(max(1, Set(y).count)) + apart / Double(proxies.rows)]
    }

    static let softTriple = LossOracle(
        name: "softTriple", tolerance: 5e-6, gradientTolerance: 2e-5,
        cases: [LossCase(options: ["scale": "5", "gamma": "0.3", "margin": "0.2"], extents: ["classes": 4], reduction: .none)]
    ) { given in
        let (x, centers) = (given["embeddings"], given["centers"])
        let each = centers.shape[1]
        return (0..<x.rows).map { i -> Double in
            let own = Int(given["targets"][i])
            let scores = (0..<centers.shape[0]).map { k -> Double in
                let s = (0..<each).map { cosine(x.row(i), centers.row(k * each + $0)) }
                let p = softmax(s.map { $0 / given.number("gamma", 0.1) })
                let similarity = zip(p, s).reduce(0) { $0 + $1.0 * $1.1 }
                return given.number("scale", 20) * (similarity - (k == own ? given.number("margin", 0.01) : 0))
            }
            return logSumExp(scores) - scores[own]
        }
    }

    static let centerLoss = LossOracle(name: "centerLoss") { given in
        let (x, centers) = (given["embeddings"], given["centers"])
        return (0..<x.rows).map { pow(distance(x.row($0), centers.row(Int(given["targets"][$0]))), 2) / 2 }
    }

    static let cosineEmbedding = LossOracle(
        name: "cosineEmbedding", cases: [LossCase(options: ["margin": "-0.4"], reduction: .none)]
    ) { given in
        (0..<given["x"].rows).map { i -> Double in
            let s = cosine(given["x"].row(i), given["y"].row(i))
            return given["targets"][i] > 0 ? 1 - s : max(0, s - given.number("margin", 0))
        }
    }
}
