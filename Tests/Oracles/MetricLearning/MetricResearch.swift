import Foundation

extension LossOracle {
    static let metricResearch: [LossOracle] = [
        .thresholdConsistentMargin, .energyConfusion, .hypo, .prototypeDispersion, .envelope, .traceHomogeneity, .traceContrast,
        .unifiedNegatives, .protoTriplet, .nearestClassNeighbours, .metrix,
    ]

    private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    private static func units(_ matrix: Matrix) -> [[Double]] { (0..<matrix.rows).map { unit(matrix.row($0)) } }
    private static func held(_ a: [Double], _ b: [Double]) -> Double { sqrt(pow(distance(a, b), 2) + 1e-6) }
    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }

    static let thresholdConsistentMargin = LossOracle(
        name: "thresholdConsistentMargin",
        cases: [
            LossCase(options: ["positiveMargin": "0.5", "negativeMargin": "-0.2", "positiveWeight": "2", "negativeWeight": "0.3"])
        ]
    ) { given in
        let pairs = PairOracle(given, distance: "cosine")
        let near = pairs.x.indices.flatMap { i in pairs.positives(i).map { given.number("positiveMargin", 0.9) - pairs.value(i, $0) } }
        let far = pairs.x.indices.flatMap { i in pairs.negatives(i).map { pairs.value(i, $0) - given.number("negativeMargin", 0.5) } }
        let (positive, negative) = (mean(near.filter { $0 >= 0 }), mean(far.filter { $0 >= 0 }))
        return [given.number("positiveWeight", 1) * positive + given.number("negativeWeight", 1) * negative]
    }

    static let energyConfusion = LossOracle(name: "energyConfusion") { given in
        let (x, y) = (given["embeddings"], given["labels"].values)
        let classes = Set(y).sorted()
        let pairs = classes.flatMap { i in
            classes.filter { $0 > i }.map { j -> Double in
                let (a, b) = (y.indices.filter { y[$0] == i }, y.indices.filter { y[$0] == j })
                return mean(a.flatMap { r in b.map { pow(distance(x.row(r), x.row($0)), 2) } })
            }
        }
        return [mean(pairs)]
    }

    private static func dispersion(_ units: [[Double]], _ temperature: Double) -> Double {
        guard units.count > 1 else { return 0 }
        return mean(
            units.indices.map { c in
                logSumExp(units.indices.filter { $0 != c }.map { dot(units[c], units[$0]) / temperature }) - log(Double(units.count - 1))
            })
    }

    static let prototypeDispersion = LossOracle(name: "prototypeDispersion", cases: [LossCase(options: ["temperature": "0.5"])]) { given in
        [dispersion(units(given["prototypes"]), given.number("temperature", 0.1))]
    }

    /// The compactness leaves the prototypes where they are.
    static let hypo: LossOracle = {
        var oracle = LossOracle.holding(
            "hypo", gradientTolerance: 1e-5,
            cases: [LossCase(options: ["temperature": "0.4", "weight": "0.5"], extents: ["classes": 3], withOptional: true)]
        ) { moved, unmoved in
            let t = moved.number("temperature", 0.1)
            let (z, mu) = (units(moved["embeddings"]), units(unmoved["prototypes"]))
            let y = moved["targets"].values
            let rows = z.indices.map { i -> Double in
                var scores = mu.map { dot(z[i], $0) / t }
                let own = scores[Int(y[i])]
                if let domains = moved.inputs["domains"]?.values {
                    scores += z.indices.filter { domains[$0] == domains[i] && y[$0] != y[i] }.map { dot(z[i], z[$0]) / t }
                }
                return logSumExp(scores) - own
            }
            return [moved.number("weight", 2) * mean(rows) + dispersion(units(moved["prototypes"]), t)]
        }
        oracle.allowsEmpty = false
        return oracle
    }()

    static let envelope = LossOracle(name: "envelope", allowsEmpty: false) { given in
        let (s, u) = (units(given["centroids"]), units(given["directions"]))
        return [1 - mean(u.map { p in s.map { dot($0, p) }.max() ?? 0 })]
    }

    static let traceHomogeneity = LossOracle(
        name: "traceHomogeneity",
        prepare: { inputs in
            guard let positions = inputs["positions"] else { return }
            let rising = positions.values.sorted().enumerated().map { Double(Float($0.element + 0.25 * Double($0.offset))) }
            inputs["positions"]?.values = rising
        }, cases: [LossCase(options: ["varianceWeight": "2"])]
    ) { given in
        let s = units(given["centroids"])
        guard s.count > 1 else { return [0] }
        if let y = given.inputs["positions"]?.values {
            return [(1..<s.count).reduce(0) { $0 + pow(distance(s[$1], s[$1 - 1]), 2) / (y[$1] - y[$1 - 1]) }]
        }
        let steps = (1..<s.count).map { dot(s[$0], s[$0 - 1]) }
        return [given.number("varianceWeight", 0.1) * (steps.count > 1 ? variance(steps) : 0) - steps.reduce(0, +)]
    }

    static let traceContrast = LossOracle(
        name: "traceContrast", cases: [LossCase(options: ["temperature": "0.1"], reduction: .none)]
    ) { given in
        let (z, s) = (units(given["embeddings"]), units(given["centroids"]))
        return z.indices.map { i in
            let scores = s.map { dot(z[i], $0) / given.number("temperature", 0.3) }
            return logSumExp(scores) - scores[Int(given["targets"][i])]
        }
    }

    static let unifiedNegatives = LossOracle(
        name: "unifiedNegatives", gradientTolerance: 2e-5,
        cases: [
            LossCase(
                options: ["form": "arcFace", "scale": "8", "margin": "0.3", "whisker": "0.1"], extents: ["classes": 3], reduction: .none),
            LossCase(options: ["scale": "16", "whisker": "0"], extents: ["n": 12, "classes": 4], reduction: .sum),
        ]
    ) { given in
        let (x, w, y) = (units(given["embeddings"]), units(given["weights"]), given["targets"].values)
        let (s, m, r) = (given.number("scale", 64), given.number("margin", 0.5), given.number("whisker", 1.5))
        let cosines = x.indices.flatMap { j in (0..<j).filter { y[$0] != y[j] }.map { dot(x[$0], x[j]) } }.sorted()
        let (low, high) = cosines.isEmpty ? (0, 0) : (cosines[cosines.count / 4], cosines[cosines.count * 3 / 4])
        let kept = cosines.filter { $0 >= low - r * (high - low) && $0 <= high + r * (high - low) }.map { s * $0 }
        return x.indices.map { i in
            let own = Int(y[i])
            var scores = w.map { s * dot(x[i], $0) }
            let cosine = dot(x[i], w[own])
            switch given.word("form", "cosFace") {
            case "arcFace": scores[own] = s * (cosine > -cos(m) ? cos(acos(cosine) + m) : cosine - m * sin(m))
            default: scores[own] = s * (cosine - m)
            }
            return logSumExp(scores + kept) - scores[own]
        }
    }

    static let protoTriplet = LossOracle(
        name: "protoTriplet", cases: [LossCase(options: ["margin": "2"], extents: ["classes": 3], reduction: .none)]
    ) { given in
        let (x, prototypes) = (given["embeddings"], given["prototypes"])
        return (0..<x.rows).map { i in
            let own = Int(given["targets"][i])
            let distances = (0..<prototypes.rows).map { held(x.row(i), prototypes.row($0)) }
            let other = distances.indices.filter { $0 != own }.map { distances[$0] }.min() ?? .infinity
            return max(0, distances[own] - other + given.number("margin", 0.5))
        }
    }

    static let nearestClassNeighbours = LossOracle(
        name: "nearestClassNeighbours", gradientTolerance: 1e-5, cases: [LossCase(options: ["neighbours": "2"], extents: ["n": 9])]
    ) { given in
        let (x, y) = (given["embeddings"], given["labels"].values)
        guard x.rows > 2 else { return [0] }
        let asked = Int(given.number("neighbours", 4))
        let k = asked + 2 >= x.rows ? x.rows - 2 : asked
        let lists = (0..<x.rows).map { i -> [(Double, Bool)] in
            let others = (0..<x.rows).filter { $0 != i }.map { j -> (Double, Bool) in (held(x.row(i), x.row(j)), y[j] == y[i]) }
            return Array(others.sorted { $0.0 < $1.0 }.prefix(k))
        }
        let sames = lists.compactMap { list -> Double? in
            let apart = list.filter { !$0.1 }.map(\.0).min() ?? .infinity
            let quotients = list.map { $0.0 / (apart + 1e-6) }
            let divisor = max(1, quotients.max() ?? 1)
            let own = zip(list, quotients).filter { $0.0.1 }.map { $0.1 / divisor }
            return own.isEmpty ? nil : mean(own)
        }
        let largest = lists.flatMap { $0.filter { !$0.1 }.map(\.0) }.max()
        let diffs = lists.compactMap { list -> Double? in
            let others = list.filter { !$0.1 }.map { $0.0 / (largest ?? 1) }
            return others.isEmpty ? nil : mean(others)
        }
        let (same, diff) = (sames.isEmpty ? 0 : 1 - mean(sames), diffs.isEmpty ? 1 : mean(diffs))
        let pure = asked + 2 >= x.rows ? 1 : mean(lists.map { list in Double(list.filter(\.1).count) / Double(k) })
        return [-log(((same + diff) / 2 + pure) / 2)]
    }

    /// Mixed examples are formed one by one.
    static let metrix = LossOracle(
        name: "metrix", isFiniteEverywhere: false,
        cases: [
            LossCase(options: ["loss": "contrastive", "base": "0.2", "reducer": "sum"]),
            LossCase(options: ["loss": "contrastive", "mixing": "anchorNegative"]),
            LossCase(options: ["mixing": "anchorNegative", "alpha": "3", "beta": "8", "base": "0.1"]),
            LossCase(options: ["miner": "batchHard", "beta": "10"]),
        ]
    ) { given in
        let pairs = PairOracle(given, distance: "cosine")
        let (alpha, beta, base) = (given.number("alpha", 2), given.number("beta", 50), given.number("base", 0.5))
        let anchors = pairs.x.indices.map { a -> Double in
            let (share, n) = (given["shares"][a], pairs.negatives(a))
            let firsts = given.word("mixing", "positiveNegative") == "anchorNegative" ? [a] : pairs.positives(a)
            let similarities = firsts.flatMap { p in
                n.map { other -> Double in
                    let mixed = zip(pairs.x[p], pairs.x[other]).map { share * $0 + (1 - share) * $1 }
                    return dot(pairs.x[a], unit(mixed))
                }
            }
            if given.word("loss", "multiSimilarity") == "contrastive" {
                return similarities.reduce(0.0) { sum, s in sum - share * s + (1 - share) * max(0, s - base) }
            }
            let near = similarities.reduce(1.0) { sum, s in sum + share * exp(-alpha * (s - base)) }
            let far = similarities.reduce(1.0) { sum, s in sum + (1 - share) * exp(beta * (s - base)) }
            return log(near) / alpha + log(far) / beta
        }
        return [reduced(anchors, given, "mean")]
    }
}
