import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// A cost as a formula and as a function of two points.
struct CostFormula: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let cost: @Sendable (Tensor, Tensor) -> TransportCost
    let function: @Sendable (ArraySlice<Double>, ArraySlice<Double>) -> Double

    static func metric(_ metric: Metric, _ function: @escaping @Sendable (ArraySlice<Double>, ArraySlice<Double>) -> Double) -> CostFormula {
        CostFormula(testDescription: "\(metric)", cost: { .metric(metric, $0, $1) }, function: function)
    }

    static let all: [CostFormula] = [
        .metric(.squaredEuclidean) { zip($0, $1).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } },
        .metric(.euclidean) { zip($0, $1).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot() },
        .metric(.manhattan) { zip($0, $1).reduce(0) { $0 + abs($1.0 - $1.1) } },
        .metric(.chebyshev) { zip($0, $1).reduce(0) { max($0, abs($1.0 - $1.1)) } },
        .metric(.cosine) { x, y in
            func length(_ v: ArraySlice<Double>) -> Double { v.reduce(0) { $0 + $1 * $1 }.squareRoot() }
            return 1 - zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } / (length(x) * length(y))
        },
        .metric(.dot) { zip($0, $1).reduce(0) { $0 + $1.0 * $1.1 } },
        CostFormula(testDescription: "asymmetric") { x, y in
            .formula(x, y) { ($1 - $0 * 0.5).exp().coordinateSum() * 0.2 }
        } function: {
            0.2 * zip($0, $1).reduce(0) { $0 + exp($1.1 - 0.5 * $1.0) }
        },
        CostFormula(testDescription: "angle") { x, y in
            .formula(x, y) { ($0 / $0.norm()).distance(to: $1 / $1.norm(), metric: .spherical) }
        } function: { x, y in
            func length(_ v: ArraySlice<Double>) -> Double { v.reduce(0) { $0 + $1 * $1 }.squareRoot() }
            return acos(zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } / (length(x) * length(y)))
        },
        CostFormula(testDescription: "Poincare") { x, y in
            .formula(x, y) { ($0 * 0.4).distance(to: $1 * 0.4, metric: .poincare) }
        } function: { x, y in
            func square(_ v: [Double]) -> Double { 0.16 * v.reduce(0) { $0 + $1 * $1 } }
            let room = (1 - square(Array(x))) * (1 - square(Array(y)))
            return acosh(1 + 2 * square(zip(x, y).map { $0 - $1 }) / room)
        },
        CostFormula(testDescription: "Geman-McClure") { x, y in
            .formula(x, y) {
                let square = $0.squaredDistance(to: $1)
                return square / (square + 0.3)
            }
        } function: { x, y in
            let square = zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            return square / (square + 0.3)
        },
    ]
}

/// Weighted points and the transport of them in doubles.
struct FormulaTransportProblem {
    static let (n, m, d) = (9, 7, 3)
    var x, y, a, b: [Double]

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func rounded(_ values: [Double]) -> [Double] { values.map { Double(Float($0)) } }
        func weights(_ count: Int) -> [Double] {
            let values = random.values(count, in: 0.5...1.5)
            return rounded(values.map { $0 / values.reduce(0, +) })
        }
        (x, y) = (rounded(random.values(Self.n * Self.d)), rounded(random.values(Self.m * Self.d)))
        (a, b) = (weights(Self.n), weights(Self.m))
    }

    func tensors(on device: Device) throws -> (x: Tensor, y: Tensor, a: Tensor, b: Tensor) {
        func tensor(_ values: [Double], _ shape: [Int]) throws -> Tensor { try Tensor(values.map { Float($0) }, shape: shape, on: device) }
        return (try tensor(x, [Self.n, Self.d]), try tensor(y, [Self.m, Self.d]), try tensor(a, [Self.n]), try tensor(b, [Self.m]))
    }

    func reference(_ cost: CostFormula, _ epsilon: Double, _ penalty: MarginalPenalty) -> ReferenceTransport {
        let costs = (0..<Self.n).map { i in
            (0..<Self.m).map { j in cost.function(x[i * Self.d..<(i + 1) * Self.d], y[j * Self.d..<(j + 1) * Self.d]) }
        }
        return ReferenceTransport(costs: costs, a: a, b: b, epsilon: epsilon, source: penalty, target: penalty)
    }
}
