import Foundation
import LossKit

/// Neighbours of queries against those of somebody else, with float64 as the judge: by exact squared distance, of equal ones the lower index.
struct NeighborCheck {
    private let queries: [Float]
    private let points: [Float]
    private let dimension: Int
    private let ours: [Int]
    private let k: Int

    /// - Parameter inputs: Queries [n, d] and points [m, d].
    init(_ inputs: [Tensor], ours: Tensor) throws {
        (queries, points) = (try inputs[0].array(), try inputs[1].array())
        dimension = inputs[0].shape[1]
        self.ours = try ours.array()
        k = ours.shape[1]
    }

    /// What there is to say about the others' neighbours, and about ours where float64 finds nearer ones.
    func comparison(with name: String, _ theirs: Tensor) throws -> (note: String, problem: String?) {
        let others: [Int] = try theirs.array()
        let rows = ours.count / k
        func row(_ list: [Int], _ i: Int) -> ArraySlice<Int> { list[i * k..<(i + 1) * k] }
        let differing = (0..<rows).filter { row(ours, $0) != row(others, $0) }
        // Those in dispute, and some of the others.
        let judged = Set(differing).union(stride(from: 0, to: rows, by: max(1, rows / 200)))
        let exact = Dictionary(uniqueKeysWithValues: judged.map { ($0, nearest(to: $0)) })
        let (wrong, wrongOthers) = (
            judged.filter { Array(row(ours, $0)) != exact[$0] }.count, differing.filter { Array(row(others, $0)) != exact[$0] }.count
        )
        let note =
            "the \(k) nearest of \(rows) queries: \(name)'s are ours but for \(differing.count), of which float64 finds \(wrongOthers) of \(name)'s "
            + "and \(wrong) of ours wrong; \(judged.count) looked at"
        return (note, wrong > 0 ? "\(wrong) queries of \(judged.count) have other neighbours in float64" : nil)
    }

    private func nearest(to query: Int) -> [Int] {
        let (d, x) = (dimension, queries[query * dimension..<(query + 1) * dimension].map { Double($0) })
        let distances = (0..<points.count / d).map { j -> (Double, Int) in
            var sum = 0.0
            for axis in 0..<d {
                let apart = x[axis] - Double(points[j * d + axis])
                sum += apart * apart
            }
            return (sum, j)
        }
        return distances.sorted { $0 < $1 }.prefix(k).map(\.1)
    }
}
