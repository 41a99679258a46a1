import Foundation

extension LossOracle {
    static let sequences: [LossOracle] = [.dtw, .softDTW]

    /// The costs of every path from the first cell of a table to its last, one by one.
    private static func pathCosts(_ costs: Rows) -> [Double] {
        func from(_ i: Int, _ j: Int) -> [Double] {
            if i == costs.count - 1 && j == costs[0].count - 1 { return [costs[i][j]] }
            let next = [(i + 1, j), (i, j + 1), (i + 1, j + 1)].filter { $0.0 < costs.count && $0.1 < costs[0].count }
            return next.flatMap { from($0.0, $0.1) }.map { $0 + costs[i][j] }
        }
        return from(0, 0)
    }

    private static func tables(_ x: Matrix, _ y: Matrix, _ cost: (Double) -> Double) -> [[Double]] {
        (0..<x.shape[0]).map { b in
            pathCosts(x.lines(b, of: x.shape[1]).map { a in y.lines(b, of: y.shape[1]).map { cost(distance(a, $0)) } })
        }
    }

    static let dtw = LossOracle(
        name: "dtw", isTwiceDifferentiable: false,
        cases: [
            LossCase(options: ["metric": "squaredEuclidean"], extents: ["t": 1, "m": 4], reduction: .none),
            LossCase(extents: ["t": 5, "m": 3], reduction: .sum),
        ]
    ) { given in
        let isSquared = given.word("metric", "") == "squaredEuclidean"
        return tables(given["x"], given["y"]) { isSquared ? $0 * $0 : $0 }.map { $0.min() ?? 0 }
    }

    static let softDTW = LossOracle(
        name: "softDTW", tolerance: 4e-6, gradientTolerance: 1e-5, isTwiceDifferentiable: false,
        cases: [
            LossCase(options: ["gamma": "0.1"], extents: ["t": 3, "m": 6], reduction: .none),
            LossCase(options: ["isDivergence": "true", "gamma": "3"], reduction: .none), LossCase(extents: ["t": 1, "m": 1]),
        ]
    ) { given in
        let (x, y, gamma) = (given["x"], given["y"], given.number("gamma", 1))
        func soft(_ a: Matrix, _ b: Matrix) -> [Double] {
            tables(a, b) { $0 * $0 }.map { -gamma * logSumExp($0.map { -$0 / gamma }) }
        }
        let value = soft(x, y)
        guard given.flag("isDivergence") else { return value }
        return zip(value, zip(soft(x, x), soft(y, y))).map { $0 - ($1.0 + $1.1) / 2 }
    }
}
