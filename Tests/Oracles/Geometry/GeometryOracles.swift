import Foundation

extension LossOracle {
    static let geometry: [LossOracle] = [
        .hyperbolicConfusion, .hyperbolicCrossEntropy, .localRigidity, .rotationSimilarity, .localIsometry, .momentum, .surfaceAlignment,
        .normalConsistency, .objectDistinction, .objectOpacity,
    ]

    static let hyperbolicConfusion = LossOracle(
        name: "hyperbolicConfusion", tolerance: 4e-6, gradientTolerance: 2e-5,
        cases: [
            LossCase(options: ["curvature": "1", "clip": "1"], reduction: .none), LossCase(options: ["usesArctangent": "true"]),
        ]
    ) { given in
        let (c, clip) = (given.number("curvature", 0.1), given.number("clip", 2))
        return zip(given["first"].lines(), given["second"].lines()).map { x, y in
            let w = moebius(ball(x, c, clip).map { -$0 }, ball(y, c, clip), c)
            let length = sqrt(c * product(w, w))
            return 2 / sqrt(c) * (given.flag("usesArctangent") ? atan(length) : atanh(min(length, 1 - 1e-5)))
        }
    }

    static let hyperbolicCrossEntropy = LossOracle(
        name: "hyperbolicCrossEntropy", tolerance: 1e-5, gradientTolerance: 4e-5, isFiniteEverywhere: false,
        cases: [LossCase(options: ["curvature": "0.7", "clip": "1"], reduction: .none)]
    ) { given in
        let (c, clip) = (given.number("curvature", 0.1), given.number("clip", 2))
        let planes = zip(given["offsets"].lines().map { ball($0, c, .infinity) }, given["normals"].lines())
        return given["features"].lines().enumerated().map { i, x in
            let logits = planes.map { p, normal -> Double in
                let a = normal.map { $0 * (1 - c * product(p, p)) }
                let w = moebius(p.map { -$0 }, ball(x, c, clip), c)
                let length = sqrt(product(a, a))
                let lambda = 2 / (1 - c * product(p, p))
                return lambda * length / sqrt(c) * asinh(2 * sqrt(c) * product(w, a) / ((1 - c * product(w, w)) * length))
            }
            return logSumExp(logits) - logits[Int(given["targets"][i])]
        }
    }

    private static func ball(_ x: [Double], _ c: Double, _ clip: Double) -> [Double] {
        let length = sqrt(product(x, x))
        let kept = min(length, clip)
        return x.map { length == 0 ? 0 : $0 / length * tanh(sqrt(c) * kept) / sqrt(c) }
    }

    private static func moebius(_ u: [Double], _ v: [Double], _ c: Double) -> [Double] {
        let (uv, uu, vv) = (product(u, v), product(u, u), product(v, v))
        return zip(u, v).map { ((1 + 2 * c * uv + c * vv) * $0 + (1 - c * uu) * $1) / (1 + 2 * c * uv + c * c * uu * vv) }
    }

    private static let space = ["xyz": 3, "quaternion": 4]

    static let localRigidity = LossOracle(name: "localRigidity", tolerance: 4e-6, gradientTolerance: 2e-5, extents: space) { given in
        let (x, y) = (given["points"].lines(), given["previous"].lines())
        let (q, p) = (given["rotations"].lines().map(unit), given["previousRotations"].lines().map(unit))
        return pairs(given) { i, j in
            let turn = times(rotation(q[i]), turned(rotation(p[i])))
            let back = times([minus(x[j], x[i])], turn)[0]
            return product(minus(back, minus(y[j], y[i])), minus(back, minus(y[j], y[i])))
        }
    }

    static let rotationSimilarity = LossOracle(
        name: "rotationSimilarity", tolerance: 4e-6, gradientTolerance: 2e-5, extents: space
    ) { given in
        let turns = zip(given["rotations"].lines().map(unit), given["previousRotations"].lines().map(unit)).map { q, p in
            let (a, b, c, d, w, x, y, z) = (q[0], q[1], q[2], q[3], p[0], -p[1], -p[2], -p[3])
            let scalar: Double = a * w - b * x - c * y - d * z
            let i: Double = a * x + b * w + c * z - d * y
            let j: Double = a * y - b * z + c * w + d * x
            let k: Double = a * z + b * y - c * x + d * w
            return [scalar, i, j, k]
        }
        return pairs(given) { pow(distance(turns[$0], turns[$1]), 2) }
    }

    static let localIsometry = LossOracle(
        name: "localIsometry", tolerance: 4e-6, gradientTolerance: 2e-5, extents: space
    ) { given in
        let (x, y) = (given["points"].lines(), given["initial"].lines())
        return pairs(given) { i, j in i == j ? 0 : pow(distance(x[i], x[j]) - distance(y[i], y[j]), 2) }
    }

    private static func pairs(_ given: Given, _ squared: (Int, Int) -> Double) -> [Double] {
        let (neighbours, weights) = (given["neighbours"], given["weights"])
        return neighbours.values.indices.map { e in
            sqrt(weights[e] * squared(e / neighbours.columns, Int(neighbours[e])) + 1e-20)
        }
    }

    private static func minus(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 - $1 } }

    private static func rotation(_ q: [Double]) -> Rows {
        let (w, x, y, z) = (q[0], q[1], q[2], q[3])
        return [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    }

    static let momentum = LossOracle(name: "momentum") { given in
        let (x, p, n) = (given["points"], given["previous"], given["next"])
        return (0..<x.rows).map { i in (0..<x.columns).reduce(0) { $0 + abs(n[i, $1] + p[i, $1] - 2 * x[i, $1]) } }
    }

    static let surfaceAlignment: LossOracle = {
        var oracle = holding(
            "surfaceAlignment", cases: [LossCase(options: ["form": "density"], reduction: .none), LossCase(options: ["extent": "3"])]
        ) { given, unmoved in
            let (scales, neighbours) = (given["scales"].lines(), given["neighbours"])
            return (0..<given["samples"].rows).map { i in
                let near = neighbours.row(i).map { Int($0) }
                let raw = near.reduce(0) { $0 + density(given, i, $1) }
                let still = near.reduce(0) { $0 + density(unmoved, i, $1) }
                let d = still >= 1 ? raw / still : raw
                let beta = mean(near.map { scales[$0].min() ?? 0 })
                let h = given["distances"][i]
                if given.word("form", "") == "density" { return abs(d - exp(-h * h / (2 * beta * beta))) }
                let extent = given.number("extent", 1)
                return min(10 * abs(beta * sqrt(max(0, -2 * log(d))) - abs(h)) / extent, 10 * extent)
            }
        }
        oracle.tolerance = 1e-5
        oracle.gradientTolerance = 4e-5
        oracle.extents = space
        return oracle
    }()

    private static func density(_ given: Given, _ i: Int, _ g: Int) -> Double {
        let offset = minus(given["samples"].row(i), given["centers"].row(g))
        let axes = given["rotations"].lines(g, of: 3)
        let local = zip(turned(axes).map { product($0, offset) }, given["scales"].row(g)).map { $0 / $1 }
        return given["opacities"][g] * exp(-product(local, local) / 2)
    }

    static let normalConsistency: LossOracle = {
        var oracle = holding("normalConsistency", cases: [LossCase(reduction: .none)]) { given, unmoved in
            let scales = given["scales"].lines()
            func normal(_ given: Given, _ g: Int) -> [Double] {
                let axis = (0..<3).min { scales[g][$0] < scales[g][$1] } ?? 0
                return turned(given["rotations"].lines(g, of: 3))[axis]
            }
            return (0..<given["samples"].rows).map { i in
                let (near, own) = (given["neighbours"].row(i).map { Int($0) }, Int(given["owners"][i]))
                let raw = near.map { g -> Double in
                    let height = product(minus(given["samples"].row(i), given["centers"].row(g)), normal(unmoved, g))
                    return density(unmoved, i, g) * abs(height) / pow(scales[g].min() ?? 1, 2)
                }
                let total = raw.reduce(0, +)
                var rest = normal(given, own)
                for (g, weight) in zip(near, raw) {
                    let side: Double = product(normal(unmoved, g), normal(unmoved, own)) < 0 ? -1 : 1
                    rest = minus(rest, normal(given, g).map { $0 * side * weight / total })
                }
                return product(rest, rest)
            }
        }
        oracle.tolerance = 1e-5
        oracle.gradientTolerance = 4e-5
        oracle.extents = space
        return oracle
    }()

    static let objectDistinction: LossOracle = .holding("objectDistinction") { given, unmoved in
        zip(given["distances"].lines(), unmoved["distances"].lines()).map { sdf, still in
            let nearest = still.indices.min { still[$0] < still[$1] } ?? 0
            return sdf.indices.filter { $0 != nearest }.reduce(0) { $0 + max(0, -sdf[$1] - still[nearest]) }
        }
    }

    static let objectOpacity = LossOracle(name: "objectOpacity", cases: [LossCase(reduction: .none)]) { given in
        let o = given["opacities"]
        return (0..<o.rows).flatMap { i in
            o.row(i).enumerated().map { k, value in
                let held = min(max(value, 1e-4), 1 - 1e-4)
                return -log(k == Int(given["labels"][i]) ? held : 1 - held)
            }
        }
    }
}
