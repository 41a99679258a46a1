/// Persistent homology by the definition, of simplices with given values: the boundary matrix over Z/2 reduced column by column.
public struct NaiveComplex {
    /// The classes that live for some time, sorted.
    public let classes: [NaiveHomology.Class]

    /// - Parameters:
    ///   - simplices: The values of simplices by their vertices, ascending. A face's is no larger than that of what it is a face of.
    ///   - highest: Classes of higher dimensions are left out.
    public init(_ simplices: [[Int]: Double], highest: Int = .max) {
        let sorted = simplices.sorted { a, b in
            (a.value, a.key.count) != (b.value, b.key.count)
                ? (a.value, a.key.count) < (b.value, b.key.count) : a.key.lexicographicallyPrecedes(b.key)
        }
        let places = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1.key, $0) })
        let columns = sorted.map { simplex -> Set<Int> in
            guard simplex.key.count > 1 else { return [] }
            let facets = simplex.key.indices.compactMap { left -> Int? in
                var facet = simplex.key
                facet.remove(at: left)
                return places[facet]
            }
            return Set(facets)
        }
        classes = BoundaryMatrix(
            columns: columns, dimensions: sorted.map { $0.key.count - 1 }, values: sorted.map(\.value), highest: highest
        ).classes
    }

    /// All sets of up to `size` of n vertices.
    public static func subsets(of n: Int, upTo size: Int) -> [[Int]] {
        func more(_ chosen: [Int]) -> [[Int]] {
            guard chosen.count < size else { return [] }
            return ((chosen.last ?? -1) + 1..<Swift.max((chosen.last ?? -1) + 1, n)).flatMap { [chosen + [$0]] + more(chosen + [$0]) }
        }
        return more([])
    }
}
