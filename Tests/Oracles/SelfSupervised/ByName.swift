import Foundation

extension LossOracle {
    static let selfSupervised: [LossOracle] = [
        .vicReg, .barlowTwins, .whitenedMSE, .swAV, .dino, .byol, .simSiam, .hardContrastive, .robustGlobalContrastive,
        .multiHeadContrastive, .metaContrastive, .clusterContrastive, .groupOrdering, .mixedBarlowTwins, .iterativeWhitening, .dispersive,
        .slicedGaussian, .leJEPA, .embeddingDynamics, .clusterAssignment,
    ]

    static let vicReg = LossOracle(
        name: "vicReg", tolerance: 4e-6, gradientTolerance: 1e-5, sizes: [2, 17], allowsEmpty: false,
        cases: [LossCase(options: ["invarianceWeight": "2", "varianceWeight": "3", "covarianceWeight": "0.5", "epsilon": "0.01"])]
    ) { given in
        let (x, y) = (given["first"], given["second"])
        let (n, d) = (Double(x.rows), Double(x.columns))
        func regularizers(_ rows: Rows) -> Double {
            let columns = turned(centred(rows))
            let spread = columns.map { max(0, 1 - sqrt(product($0, $0) / (n - 1) + given.number("epsilon", 1e-4))) }
            let covariance = gram(centred(rows), centred(rows)).map { $0.map { $0 / (n - 1) } }
            return given.number("varianceWeight", 25) * mean(spread)
                + given.number("covarianceWeight", 1) * sumOfSquares(covariance) { $0 != $1 } / d
        }
        let apart = zip(x.values, y.values).map { ($0 - $1) * ($0 - $1) }
        return [given.number("invarianceWeight", 25) * mean(apart) + regularizers(x.lines()) + regularizers(y.lines())]
    }

    static let barlowTwins = LossOracle(
        name: "barlowTwins", tolerance: 4e-6, gradientTolerance: 2e-5, sizes: [2, 17], allowsEmpty: false,
        cases: [LossCase(options: ["lambda": "0.3", "epsilon": "0.1"])]
    ) { given in
        let n = Double(given["first"].rows)
        let (x, y) = (
            standardized(given["first"].lines(), over: n, given.number("epsilon", 1e-5)),
            standardized(given["second"].lines(), over: n, given.number("epsilon", 1e-5))
        )
        return [twins(gram(x, y).map { $0.map { $0 / n } }, given.number("lambda", 5e-3))]
    }

    static let mixedBarlowTwins = LossOracle(
        name: "mixedBarlowTwins", tolerance: 4e-6, gradientTolerance: 2e-5, sizes: [3, 17], allowsEmpty: false,
        cases: [
            LossCase(options: ["alpha": "0.3", "lambda": "0.02", "weight": "2"]),
            LossCase(options: ["epsilon": "0.1"], extents: ["n": 2]),
        ]
    ) { given in
        let n = Double(given["first"].rows)
        func columns(_ name: String) -> Rows { standardized(given[name].lines(), over: n - 1, given.number("epsilon", 1e-12)) }
        let (x, y, m) = (columns("first"), columns("second"), columns("mixed"))
        let (alpha, lambda) = (given.number("alpha", 0.5), given.number("lambda", 0.005))
        let permuted = given["permutation"].values.map { y[Int($0)] }
        func correlation(_ a: Rows, _ b: Rows) -> Rows { gram(a, b).map { $0.map { $0 / n } } }
        func mixedTerm(_ view: Rows) -> Double {
            let (c, from, to) = (correlation(m, view), correlation(x, view), correlation(permuted, view))
            return sumOfSquares(c.indices.map { i in c[i].indices.map { c[i][$0] - alpha * from[i][$0] - (1 - alpha) * to[i][$0] } })
        }
        return [twins(correlation(x, y), lambda) + given.number("weight", 5) * lambda * (mixedTerm(x) + mixedTerm(y))]
    }

    private static func standardized(_ rows: Rows, over divisor: Double, _ epsilon: Double) -> Rows {
        turned(turned(centred(rows)).map { column in column.map { $0 / sqrt(product(column, column) / divisor + epsilon) } })
    }

    private static func twins(_ correlation: Rows, _ lambda: Double) -> Double {
        correlation.indices.reduce(0) { $0 + pow(1 - correlation[$1][$1], 2) } + lambda * sumOfSquares(correlation) { $0 != $1 }
    }

    static let whitenedMSE = LossOracle(
        name: "whitenedMSE", tolerance: 1e-5, gradientTolerance: 4e-5, sizes: [8, 17], isFiniteEverywhere: false, allowsEmpty: false,
        cases: [
            LossCase(options: ["epsilon": "0.2"], extents: ["n": 2]), LossCase(options: ["isNormalized": "false", "epsilon": "0.1"]),
            LossCase(options: ["sliceSize": "6"], extents: ["n": 18]),
        ]
    ) { given in
        let epsilon = given.number("epsilon", 0)
        func whitened(_ rows: Rows) -> Rows {
            let z = centred(rows)
            let covariance = gram(z, z)
            let shrunk = covariance.indices.map { i in
                covariance.indices.map { (1 - epsilon) * covariance[i][$0] / Double(rows.count - 1) + (i == $0 ? epsilon : 0) }
            }
            let l = choleskyFactor(shrunk)
            return z.map { row in
                var solution = [Double](repeating: 0, count: row.count)
                for i in row.indices { solution[i] = (row[i] - (0..<i).reduce(0) { $0 + l[i][$1] * solution[$1] }) / l[i][i] }
                return solution
            }
        }
        let (x, y) = (given["first"].lines(), given["second"].lines())
        let size = Int(given.number("sliceSize", Double(x.count)))
        let isNormalized = given.word("isNormalized", "true") == "true"
        var terms: [Double] = []
        for start in stride(from: 0, to: x.count, by: size) {
            for (a, b) in zip(whitened(Array(x[start..<start + size])), whitened(Array(y[start..<start + size]))) {
                terms.append(isNormalized ? 2 - 2 * cosine(a, b) : pow(distance(a, b), 2) / Double(a.count))
            }
        }
        return [mean(terms)]
    }

    static let swAV: LossOracle = {
        var oracle = holding(
            "swAV", cases: [LossCase(options: ["temperature": "0.3", "epsilon": "0.2", "iterations": "5"], reduction: .none)]
        ) { given, unmoved in
            let t = given.number("temperature", 0.1)
            func assignments(_ scores: Matrix) -> Rows {
                let peak = scores.values.max() ?? 0
                var q = scores.lines().map { $0.map { exp(($0 - peak) / unmoved.number("epsilon", 0.05)) } }
                for _ in 0..<Int(unmoved.number("iterations", 3)) {
                    q = turned(turned(q).map { column in column.map { $0 / column.reduce(0, +) } })
                    q = q.map { row in row.map { $0 / row.reduce(0, +) } }
                }
                return q
            }
            func crossEntropy(_ q: [Double], _ scores: [Double]) -> Double {
                let partition = logSumExp(scores.map { $0 / t })
                return zip(q, scores).reduce(0) { $0 - $1.0 * ($1.1 / t - partition) }
            }
            let (x, y) = (given["first"].lines(), given["second"].lines())
            let (q, r) = (assignments(unmoved["first"]), assignments(unmoved["second"]))
            return x.indices.map { crossEntropy(r[$0], x[$0]) + crossEntropy(q[$0], y[$0]) }
        }
        oracle.tolerance = 4e-6
        oracle.gradientTolerance = 2e-5
        return oracle
    }()

    static let dino = LossOracle(
        name: "dino", tolerance: 4e-6, gradientTolerance: 2e-5,
        cases: [LossCase(options: ["temperature": "0.5", "teacherTemperature": "0.2"], reduction: .none)]
    ) { given in
        let (student, teacher) = (given["logits"].lines(), given["teacherLogits"].lines())
        let center = given.inputs["center"]?.values ?? [Double](repeating: 0, count: given["logits"].columns)
        let (s, t) = (given.number("temperature", 0.1), given.number("teacherTemperature", 0.04))
        return student.indices.map { i in
            let q = softmax(zip(teacher[i], center).map { ($0 - $1) / t })
            let partition = logSumExp(student[i].map { $0 / s })
            return zip(q, student[i]).reduce(0) { $0 - $1.0 * ($1.1 / s - partition) }
        }
    }

    static let byol = LossOracle(name: "byol") { given in
        zip(given["predictions"].lines(), given["projections"].lines()).map { 2 - 2 * cosine($0, $1) }
    }

    static let simSiam = LossOracle(name: "simSiam") { given in
        let (p, q) = (given["firstPredictions"].lines(), given["secondPredictions"].lines())
        let (z, w) = (given["firstProjections"].lines(), given["secondProjections"].lines())
        return p.indices.map { -(cosine(p[$0], w[$0]) + cosine(q[$0], z[$0])) / 2 }
    }
}
