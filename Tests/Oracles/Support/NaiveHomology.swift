/// Persistent homology by the definition: every simplex of a Vietoris-Rips filtration, and the boundary matrix over Z/2 reduced column by column.
public struct NaiveHomology {
    /// A class of a dimension, from the value at which it is born to that at which it dies (infinity if it never does).
    public struct Class: Equatable, Comparable, CustomStringConvertible {
        public let dimension: Int
        public let birth: Double
        public let death: Double

        public init(dimension: Int, birth: Double, death: Double) {
            (self.dimension, self.birth, self.death) = (dimension, birth, death)
        }

        public static func < (a: Class, b: Class) -> Bool { (a.dimension, a.birth, a.death) < (b.dimension, b.birth, b.death) }
        public var description: String { "H\(dimension) \(birth)...\(death)" }
    }

    /// The classes up to a dimension that live for some time, sorted.
    public let classes: [Class]

    /// Of the distances [n][n] of points, up to a threshold.
    public init(distances: [[Double]], maximumDimension: Int, threshold: Double) {
        var simplices: [(vertices: [Int], value: Double)] = []
        func extend(_ vertices: [Int], _ value: Double) {
            if !vertices.isEmpty { simplices.append((vertices, value)) }
            guard vertices.count < maximumDimension + 2 else { return }
            for next in (vertices.last ?? -1) + 1..<max((vertices.last ?? -1) + 1, distances.count) {
                let larger = vertices.reduce(value) { max($0, distances[$1][next]) }
                if larger <= threshold { extend(vertices + [next], larger) }
            }
        }
        extend([], 0)
        simplices.sort { ($0.value, $0.vertices.count) < ($1.value, $1.vertices.count) }
        let places = Dictionary(uniqueKeysWithValues: simplices.enumerated().map { ($1.vertices, $0) })
        classes = BoundaryMatrix(
            columns: simplices.map { simplex in
                guard simplex.vertices.count > 1 else { return [] }
                return Set(
                    simplex.vertices.indices.compactMap { index in
                        var facet = simplex.vertices
                        facet.remove(at: index)
                        return places[facet]
                    })
            }, dimensions: simplices.map { $0.vertices.count - 1 }, values: simplices.map(\.value), highest: maximumDimension
        ).classes
    }
}
