import LossKitKernels

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What the points of two diagrams are matched with: each other, or the diagonal.
struct DiagramMatching {
    /// Places of matched points of both diagrams, and of those that go to the diagonal.
    private(set) var pairs: [(Int, Int)] = []
    private(set) var alone: (first: [Int], second: [Int]) = ([], [])

    /// A diagram's points on the host.
    struct Points {
        let births: [Double]
        let deaths: [Double]
        var count: Int { births.count }

        init(_ diagram: PersistenceDiagram, _ operation: String) throws {
            (births, deaths) = (try stopGradient(diagram.births).array(), try stopGradient(diagram.deaths).array())
            if let place = (0..<births.count).first(where: { !births[$0].isFinite || !deaths[$0].isFinite }) {
                throw TensorError.invalidArgument(
                    operation: operation, expected: "finite births and deaths", actual: "(\(births[place]), \(deaths[place])) at \(place)")
            }
        }
    }

    /// Of least total cost, for distances to a power, or of one that is larger by a relative error.
    init(_ first: Points, _ second: Points, order: Double, norm: DiagramNorm, relativeError: Double, _ operation: String) throws {
        let (n, m) = (first.count, second.count)
        func toDiagonal(_ points: Points) -> [Double] {
            (0..<points.count).map { pow(norm.distanceToDiagonal(points.deaths[$0] - points.births[$0]), order) }
        }
        let (rest, otherRest) = (toDiagonal(first), toDiagonal(second))
        guard relativeError == 0 else {
            guard (rest + otherRest).allSatisfy(\.isFinite) else {
                throw TensorError.invalidArgument(
                    operation: operation, expected: "distances with finite powers", actual: "an infinite one to the diagonal")
            }
            let auction = DiagramAuction(
                .init(births: first.births, deaths: first.deaths, rest: rest), .init(births: second.births, deaths: second.deaths, rest: otherRest),
                order: order, isEuclidean: norm == .euclidean, relativeError: relativeError)
            for (i, partner) in auction.partners.enumerated() { if let partner { pairs.append((i, partner)) } }
            let taken = Set(pairs.map(\.1))
            alone = ((0..<n).filter { auction.partners[$0] == nil }, (0..<m).filter { !taken.contains($0) })
            return
        }
        // What a pair costs beyond sending both to the diagonal, if it is less.
        var gains = [Double](repeating: 0, count: n * m)
        for i in 0..<n {
            for j in 0..<m {
                let length = norm.distance(first.births[i] - second.births[j], first.deaths[i] - second.deaths[j])
                gains[i * m + j] = Swift.min(0, pow(length, order) - rest[i] - otherRest[j])
            }
        }
        guard (rest + otherRest + gains).allSatisfy(\.isFinite) else {
            throw TensorError.invalidArgument(operation: operation, expected: "distances with finite powers", actual: "an infinite one")
        }
        var (isPaired, isOtherPaired) = ([Bool](repeating: false, count: n), [Bool](repeating: false, count: m))
        if n > 0, m > 0 {
            let isTall = n > m
            let wide = isTall ? (0..<n * m).map { gains[$0 % n * m + $0 / n] } : gains
            let (few, many) = (Swift.min(n, m), Swift.max(n, m))
            let plan = ExactTransport(
                cost: wide, supply: [Double](repeating: 1, count: few), demand: [Double](repeating: 1, count: many)
            ).plan
            for place in plan.indices where plan[place] > 0.5 {
                let (i, j) = isTall ? (place / few, place % few) : (place % few, place / few)
                guard gains[i * m + j] < 0 else { continue }
                pairs.append((i, j))
                (isPaired[i], isOtherPaired[j]) = (true, true)
            }
        }
        alone = ((0..<n).filter { !isPaired[$0] }, (0..<m).filter { !isOtherPaired[$0] })
    }
}

/// How far points of a diagram are from each other.
public enum DiagramNorm: String, Sendable, CaseIterable {
    /// The larger one of the differences of births and deaths.
    case maximum
    /// The root of the sum of their squares.
    case euclidean

    func distance(_ u: Double, _ v: Double) -> Double {
        self == .maximum ? Swift.max(abs(u), abs(v)) : (u * u + v * v).squareRoot()
    }

    func distanceToDiagonal(_ lifetime: Double) -> Double { self == .maximum ? abs(lifetime) / 2 : abs(lifetime) / 2.0.squareRoot() }

    /// The same of tensors; at distance 0 the derivative is 0.
    func distance(_ u: Tensor, _ v: Tensor) throws -> Tensor {
        self == .maximum
            ? Tensor.maximum(u.absolute(), v.absolute()) : try Tensor.stack([u, v], axis: 1).norm(axes: [1])
    }

    func distanceToDiagonal(_ lifetime: Tensor) -> Tensor {
        lifetime.absolute() * (self == .maximum ? 0.5 : 0.5.squareRoot())
    }
}
