import Foundation

extension LossOracle {
    static let sampledSoftmax = LossOracle(
        name: "sampledSoftmax", tolerance: 5e-6,
        cases: [
            LossCase(options: ["sampler": "uniform"], withOptional: true, reduction: .none),
            LossCase(options: ["removesAccidentalHits": "false"], extents: ["classes": 3], reduction: .none),
        ]
    ) { given in
        let (e, w, t, s) = (given["embeddings"], given["weights"], given["targets"], given["sampled"].values)
        let isUniform = given.word("sampler", "logUniform") == "uniform"
        let total = Double(w.rows)
        func logit(_ i: Int, _ k: Int) -> Double {
            let q = isUniform ? 1 / total : log(Double(k + 2) / Double(k + 1)) / log(total + 1)
            return zip(e.row(i), w.row(k)).reduce((given.inputs["biases"]?[k] ?? 0) - log(q)) { $0 + $1.0 * $1.1 }
        }
        return (0..<e.rows).map { i in
            let y = Int(t[i])
            let others = s.map { Int($0) }.filter { given.word("removesAccidentalHits", "true") == "false" || $0 != y }
            return logSumExp([logit(i, y)] + others.map { logit(i, $0) }) - logit(i, y)
        }
    }

    // Three classes in the head and two clusters of four.
    static let adaptiveSoftmax = LossOracle(
        name: "adaptiveSoftmax", tolerance: 5e-6, extents: ["head": 5, "first": 4, "f": 1, "second": 4], cases: [LossCase(reduction: .none)]
    ) { given in
        let (x, t) = (given["embeddings"], given["targets"])
        func product(_ x: [Double], _ w: Matrix) -> [Double] { (0..<w.rows).map { k in zip(x, w.row(k)).reduce(0) { $0 + $1.0 * $1.1 } } }
        let biases = given.inputs["headBiases"]?.values ?? [Double](repeating: 0, count: 5)
        return (0..<x.rows).map { i in
            let head = softmax(zip(product(x.row(i), given["headWeights"]), biases).map { $0 + $1 })
            let first = softmax(product(product(x.row(i), given["firstProjection"]), given["firstWeights"]))
            let second = softmax(product(product(x.row(i), given["secondProjection"]), given["secondWeights"]))
            return -log((head[..<3] + first.map { $0 * head[3] } + second.map { $0 * head[4] })[Int(t[i])])
        }
    }

    // Over the leaves of the complete tree: those under a node's left child and those under its right one.
    static let hierarchicalSoftmax = LossOracle(
        name: "hierarchicalSoftmax", tolerance: 5e-6, extents: ["nodes": 10],
        cases: [
            LossCase(extents: ["n": 3, "nodes": 1, "classes": 2], reduction: .none),
            LossCase(extents: ["n": 16, "nodes": 15, "classes": 16], reduction: .none),
        ]
    ) { given in
        let (x, t, w) = (given["embeddings"], given["targets"], given["nodeWeights"])
        return (0..<x.rows).map { i in
            /// The leaves below a place in the tree with their probabilities.
            func leaves(_ place: Int) -> [Int: Double] {
                guard place < w.rows else { return [place - w.rows: 1] }
                let z = zip(x.row(i), w.row(place)).reduce(given.inputs["nodeBiases"]?[place] ?? 0) { $0 + $1.0 * $1.1 }
                let (left, right) = (leaves(2 * place + 1), leaves(2 * place + 2))
                return left.mapValues { $0 * sigmoid(-z) }.merging(right.mapValues { $0 * sigmoid(z) }) { $1 }
            }
            return -log(leaves(0)[Int(t[i])] ?? 0)
        }
    }

    // By enumeration of all paths through few frames and classes. The logarithm of a probability near 1 is as exact as float32 holds that.
    static let ctc = LossOracle(
        name: "ctc", tolerance: 5e-6, noise: 0x1p-24, options: ["reduction": "none"], extents: ["t": 5, "classes": 3],
        prepare: { inputs in
            guard var lengths = inputs["inputLengths"] else { return }
            for i in lengths.values.indices { lengths[i] = max(lengths[i], 3) }
            inputs["inputLengths"] = lengths
        },
        isTwiceDifferentiable: false,
        cases: [
            LossCase(options: ["reduction": "mean"]), LossCase(extents: ["n": 2, "t": 3, "e": 1]),
            LossCase(options: ["blank": "0", "zeroInfinity": "true"], extents: ["t": 3, "e": 3]),
        ]
    ) { given in
        let (logs, targets) = (given["logProbabilities"], given["targets"])
        let (rows, classes) = (logs.shape[1], logs.shape[2])
        let losses = (0..<rows).map { n in
            let labels = (0..<Int(given["targetLengths"][n])).map { Int(targets[n, $0]) }
            let frames = Int(given["inputLengths"][n])
            var total = 0.0
            for code in 0..<Int(pow(Double(classes), Double(frames))) {
                var (rest, path) = (code, [Int]())
                for _ in 0..<frames {
                    path.append(rest % classes)
                    rest /= classes
                }
                let merged = path.indices.filter { $0 == 0 || path[$0] != path[$0 - 1] }.map { path[$0] }.filter { $0 != 0 }
                guard merged == labels else { continue }
                total += exp(path.indices.reduce(0) { $0 + logs[$1 * rows + n, path[$1]] })
            }
            return total == 0 ? (given.flag("zeroInfinity") ? 0 : .infinity) : -log(total)
        }
        guard given.word("reduction", "") == "mean" else { return losses }
        let scaled = zip(losses, given["targetLengths"].values).map { $0 / $1 }
        return [scaled.reduce(0, +) / Double(rows)]
    }
}
