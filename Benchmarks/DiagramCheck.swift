import LossKit

/// A persistence diagram against somebody else's, as multisets: classes are paired whose births and deaths agree as floats do.
struct DiagramCheck {
    private typealias Point = (birth: Double, death: Double)

    private let ours: [Point]
    /// How far apart births or deaths may be, and how short the lives are that may be missing on either side.
    private let tolerance: Double

    /// - Parameter classes: [classes, 2], births and deaths.
    init(_ classes: Tensor) throws {
        ours = try Self.points(classes)
        tolerance = 2e-6 * (ours.map { abs($0.death) }.max() ?? 1)
    }

    /// What there is to say about the others' classes, and about those that have no partner.
    func comparison(with name: String, _ theirs: Tensor) throws -> (note: String, problem: String?) {
        let others = try Self.points(theirs)
        var isTaken = [Bool](repeating: false, count: others.count)
        var (first, alone) = (0, 0)
        for point in ours {
            while first < others.count, others[first].birth < point.birth - tolerance { first += 1 }
            let near = (first..<others.count).prefix { others[$0].birth <= point.birth + tolerance }
            if let partner = near.first(where: { !isTaken[$0] && abs(others[$0].death - point.death) <= tolerance }) {
                isTaken[partner] = true
            } else if point.death - point.birth > tolerance {
                alone += 1
            }
        }
        let left = others.indices.filter { !isTaken[$0] && others[$0].death - others[$0].birth > tolerance }.count
        return (
            "\(ours.count) classes, \(alone) of them and \(left) of \(name)'s \(others.count) without a partner within \(Float(tolerance))",
            alone + left > 0 ? "\(alone) of our classes and \(left) of \(name)'s have no partner" : nil
        )
    }

    /// By births.
    private static func points(_ classes: Tensor) throws -> [Point] {
        let numbers = try classes.array(of: Double.self)
        return stride(from: 0, to: numbers.count, by: 2).map { (numbers[$0], numbers[$0 + 1]) }.sorted { $0 < $1 }
    }
}
