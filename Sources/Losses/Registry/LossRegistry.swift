import LossKitOps

/// Every loss there is, described once.
public enum LossRegistry {
    /// All of them, by family.
    public static let all: [LossDescription] =
        classification + distillation + ranking + preference + regression + divergence + metricLearning + batch + selfSupervised
        + transport + topology + geometry

    /// The loss of a name.
    public static func named(_ name: String) -> LossDescription? { byName[name] }

    /// The loss of a name.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` where there is none, with the nearest name.
    public static func loss(named name: String) throws -> LossDescription {
        if let loss = byName[name] { return loss }
        let nearest = nearest(to: name, among: all.map(\.name)).map { ", did you mean \($0)?" } ?? "; see losskit losses"
        throw TensorError.invalidArgument(operation: "loss", expected: "a registered loss", actual: "\"\(name)\"\(nearest)")
    }

    private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }

    /// The name that takes the fewest changes to reach, if they are few.
    public static func nearest(to name: String, among names: [String]) -> String? {
        names.map { ($0, distance(name.lowercased(), $0.lowercased())) }.filter { $0.1 <= max(2, name.count / 3) }.min { $0.1 < $1.1 }?.0
    }

    /// Insertions, deletions and substitutions from one word to another.
    private static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a), Array(b))
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let cost = min(row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[b.count]
    }
}
