import Foundation
import LossKitTestSupport

/// Each registered loss in doubles, from its formula alone: inputs by name, options by name, elements before the reduction.
enum LossOracles {
    typealias Oracle = @Sendable (_ inputs: [String: Matrix], _ options: [String: Double]) -> [Double]

    static let all: [String: Oracle] = [
        "crossEntropy": { inputs, options in
            let (z, t) = (inputs["logits"]!, inputs["targets"]!)
            let w = inputs["weights"]?.values ?? [Double](repeating: 1, count: z.columns)
            let s = options["labelSmoothing"] ?? 0
            return (0..<z.rows).map { i in
                let partition = logSumExp(z.row(i))
                let loss = (0..<z.columns).reduce(0.0) { sum, k in
                    let target = (1 - s) * (k == Int(t.values[i]) ? 1 : 0) + s / Double(z.columns)
                    return sum + w[k] * target * (partition - z[i, k])
                }
                return loss + (options["zLoss"] ?? 0) * partition * partition
            }
        },
        "binaryCrossEntropy": { inputs, _ in
            let (z, t) = (inputs["logits"]!, inputs["targets"]!)
            let p = inputs["positiveWeight"]?.values ?? [Double](repeating: 1, count: z.columns)
            return z.values.indices.map { i in
                let yes = 1 / (1 + exp(-z.values[i]))
                return -(p[i % z.columns] * t.values[i] * log(yes) + (1 - t.values[i]) * log(1 - yes))
            }
        },
        "mse": residual { r, _ in r * r },
        "l1": residual { r, _ in abs(r) },
        "huber": residual { r, o in
            let delta = o["delta"] ?? 1
            return abs(r) <= delta ? r * r / 2 : delta * (abs(r) - delta / 2)
        },
        "pseudoHuber": residual { r, o in
            let delta = o["delta"] ?? 1
            return delta * delta * (sqrt(1 + r * r / (delta * delta)) - 1)
        },
        "infoNCE": { inputs, options in
            let (q, k) = (inputs["queries"]!, inputs["keys"]!)
            func similarity(_ i: Int, _ j: Int) -> Double {
                let (a, b) = (q.row(i), k.row(j))
                let zero = [Double](repeating: 0, count: a.count)
                return zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / (distance(a, zero) * distance(b, zero)) / (options["temperature"] ?? 0.07)
            }
            return (0..<q.rows).map { i in logSumExp((0..<k.rows).map { similarity(i, $0) }) - similarity(i, i) }
        },
        "tripletMargin": { inputs, options in
            let (a, p, n) = (inputs["anchors"]!, inputs["positives"]!, inputs["negatives"]!)
            func apart(_ x: [Double], _ y: [Double]) -> Double { distance(x.map { $0 + 1e-6 }, y) }
            return (0..<a.rows).map { i in
                var negative = apart(a.row(i), n.row(i))
                if options["swap"] == 1 { negative = min(negative, apart(p.row(i), n.row(i))) }
                return max(0, apart(a.row(i), p.row(i)) - negative + (options["margin"] ?? 1))
            }
        },
        "sinkhornDivergence": { inputs, options in
            let (x, y) = (inputs["x"]!, inputs["y"]!)
            let a = inputs["a"]?.values ?? [Double](repeating: 1 / Double(x.rows), count: x.rows)
            let b = inputs["b"]?.values ?? [Double](repeating: 1 / Double(y.rows), count: y.rows)
            let power = Int(options["power"] ?? 2)
            let rho = options["reach"].map { power == 1 ? $0 : $0 * $0 }
            func transport(_ x: Matrix, _ y: Matrix, _ a: [Double], _ b: [Double]) -> Double {
                entropicTransport(x, y, a, b, epsilon: options["epsilon"] ?? 0.05, power: power, rho: rho, iterations: 250)
            }
            let (massA, massB) = (a.reduce(0, +), b.reduce(0, +))
            return [
                transport(x, y, a, b) - transport(x, x, a, a) / 2 - transport(y, y, b, b) / 2
                    + (options["epsilon"] ?? 0.05) / 2 * (massA - massB) * (massA - massB)
            ]
        },
        "mstLength": { inputs, options in
            let points = inputs["points"]!
            return [treeLengths(points).reduce(0) { $0 + pow($1, options["power"] ?? 1) }]
        },
        "mstLengthRegularizer": { inputs, options in
            let points = inputs["points"]!
            let n = Double(points.rows)
            let zero = [Double](repeating: 0, count: points.columns)
            let sphere = (0..<points.rows).reduce(0.0) { $0 + pow(distance(points.row($1), zero) - 1, 2) }
            return [-(options["gamma"] ?? 0.2) / n * treeLengths(points).reduce(0, +) + (options["lambda"] ?? 8e-4) / n * sphere]
        },
        "topologicalAutoencoder": { inputs, _ in
            let (x, z) = (inputs["inputs"]!, inputs["embeddings"]!)
            func mismatch(_ edges: [(Int, Int)]) -> Double {
                edges.reduce(0) { $0 + pow(distance(x.row($1.0), x.row($1.1)) - distance(z.row($1.0), z.row($1.1)), 2) / 2 }
            }
            return [mismatch(kruskal(x)) + mismatch(kruskal(z))]
        },
    ]

    private static func treeLengths(_ points: Matrix) -> [Double] {
        kruskal(points).map { distance(points.row($0.0), points.row($0.1)) }
    }

    private static func residual(_ function: @escaping @Sendable (Double, [String: Double]) -> Double) -> Oracle {
        { inputs, options in
            zip(inputs["predictions"]!.values, inputs["targets"]!.values).map { function($0 - $1, options) }
        }
    }
}
