import Foundation
import LossKit
@testable import LossKitOracles

/// Random unit vectors as the library draws them.
func directions(_ count: Int, _ d: Int, seed: Int) -> [[Double]] {
    var generator = Philox(seed: UInt64(bitPattern: Int64(seed)))
    let drawn = try? Tensor.normal([count, d], using: &generator, on: .cpu).array(of: Double.self)
    let values = drawn ?? []
    return (0..<count).map { row in
        let vector = Array(values[row * d..<(row + 1) * d])
        let length = sqrt(vector.reduce(0) { $0 + $1 * $1 })
        return vector.map { $0 / length }
    }
}

private func projected(_ points: Matrix, _ direction: [Double]) -> [Double] {
    (0..<points.rows).map { zip(points.row($0), direction).reduce(0) { $0 + $1.0 * $1.1 } }
}

/// Transport of what is projected on each random line.
private func alongLines(_ given: LossOracle.Given) -> [Double] {
    directions(Int(given.number("projections", 50)), given["x"].columns, seed: Int(given.number("seed", 0))).map {
        lineTransport(
            projected(given["x"], $0), projected(given["y"], $0), given.inputs["a"]?.values, given.inputs["b"]?.values,
            p: given.number("p", 2))
    }
}

extension LossOracle {
    /// Of losses along random lines, which are the library's own numbers.
    static let alongRandomLines: [LossOracle] = [
        .slicedWasserstein, .maxSlicedWasserstein, .sphericalSlicedWasserstein, .generalizedSlicedWasserstein,
    ]

    static let slicedWasserstein = LossOracle(
        name: "slicedWasserstein", allowsEmpty: false,
        cases: [LossCase(options: ["p": "1", "projections": "7", "seed": "3"]), LossCase(options: ["p": "3"], extents: ["n": 5])]
    ) { given in
        let values = alongLines(given)
        return [values.reduce(0, +) / Double(values.count)]
    }

    static let maxSlicedWasserstein = LossOracle(
        name: "maxSlicedWasserstein", options: ["refinements": "0"], allowsEmpty: false,
        cases: [LossCase(options: ["p": "1", "projections": "7", "seed": "3"])]
    ) { given in
        [alongLines(given).max() ?? 0]
    }

    static let sphericalSlicedWasserstein = LossOracle(
        name: "sphericalSlicedWasserstein", options: ["projections": "5"], allowsEmpty: false,
        cases: [LossCase(options: ["p": "1", "seed": "3"])]
    ) { given in
        let (count, seed, d) = (Int(given.number("projections", 50)), Int(given.number("seed", 0)), given["x"].columns)
        let (first, other) = (directions(count, d, seed: seed), directions(count, d, seed: ~seed))
        let values = zip(first, other).map { u, w in
            let along = zip(u, w).reduce(0) { $0 + $1.0 * $1.1 }
            let v = zip(u, w).map { $1 - along * $0 }
            func turns(_ points: Matrix) -> [Double] {
                let length = sqrt(v.reduce(0) { $0 + $1 * $1 })
                return zip(projected(points, u), projected(points, v)).map { 0.5 + atan2(-$1 / length, -$0) / (2 * .pi) }
            }
            return circleTransport(
                turns(given["x"]), turns(given["y"]), given.inputs["a"]?.values, given.inputs["b"]?.values, p: given.number("p", 2))
        }
        return [values.reduce(0, +) / Double(count)]
    }

    static let generalizedSlicedWasserstein = LossOracle(
        name: "generalizedSlicedWasserstein", gradientTolerance: 2e-5, options: ["projections": "7"], isFiniteEverywhere: false,
        allowsEmpty: false,
        cases: [
            LossCase(options: ["slicing": "polynomial"], extents: ["n": 5]),
            LossCase(options: ["slicing": "polynomial", "degree": "2", "p": "1"]),
            LossCase(options: ["radius": "2", "p": "1", "seed": "3"], withOptional: true),
        ]
    ) { given in
        let (d, degree) = (given["x"].columns, Int(given.number("degree", 3)))
        let (count, seed) = (Int(given.number("projections", 50)), Int(given.number("seed", 0)))
        /// Exponents of all monomials, as lists of factors that do not fall.
        var factors = (0..<d).map { [$0] }
        for _ in 1..<degree { factors = (0..<d).flatMap { last in factors.filter { $0[$0.count - 1] <= last }.map { $0 + [last] } } }
        let isPolynomial = given.word("slicing", "circular") == "polynomial"
        let lines = directions(count, isPolynomial ? factors.count : d, seed: seed)
        func reduced(_ points: Matrix, _ line: [Double]) -> [Double] {
            (0..<points.rows).map { row in
                let point = points.row(row)
                if isPolynomial { return zip(factors, line).reduce(0) { $0 + $1.0.reduce($1.1) { $0 * point[$1] } } }
                return distance(point, line.map { $0 * given.number("radius", 1) })
            }
        }
        let values = lines.map {
            lineTransport(
                reduced(given["x"], $0), reduced(given["y"], $0), given.inputs["a"]?.values, given.inputs["b"]?.values,
                p: given.number("p", 2))
        }
        return [values.reduce(0, +) / Double(count)]
    }
}
