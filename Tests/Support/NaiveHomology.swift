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
        // By its pivot each reduced column, and what begins a class without ending another.
        var reduced: [Int: Set<Int>] = [:]
        var open: Set<Int> = []
        var found: [Class] = []
        for (place, simplex) in simplices.enumerated() {
            var column: Set<Int> = []
            if simplex.vertices.count > 1 {
                for index in simplex.vertices.indices {
                    var facet = simplex.vertices
                    facet.remove(at: index)
                    if let facetPlace = places[facet] { column.insert(facetPlace) }
                }
            }
            while let pivot = column.max(), let other = reduced[pivot] { column.formSymmetricDifference(other) }
            guard let pivot = column.max() else {
                open.insert(place)
                continue
            }
            reduced[pivot] = column
            open.remove(pivot)
            let birth = simplices[pivot]
            if simplex.value > birth.value {
                found.append(Class(dimension: birth.vertices.count - 1, birth: birth.value, death: simplex.value))
            }
        }
        for place in open where simplices[place].vertices.count <= maximumDimension + 1 {
            found.append(
                Class(dimension: simplices[place].vertices.count - 1, birth: simplices[place].value, death: .infinity))
        }
        classes = found.sorted()
    }
}
