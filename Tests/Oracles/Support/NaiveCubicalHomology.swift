/// Persistent homology of an image by the definition: every cell of its cubical complex, and the boundary matrix over Z/2 reduced column by column.
public struct NaiveCubicalHomology {
    /// The classes that live for some time, sorted.
    public let classes: [NaiveHomology.Class]

    /// Of an image in row-major order. Voxels are the corners of the cells, or the cells of full dimension.
    public init(_ values: [Double], shape: [Int], voxelsAreCorners: Bool) {
        // Cells have doubled coordinates, odd along the axes that they extend over.
        let size = shape.map { voxelsAreCorners ? 2 * $0 - 1 : 2 * $0 + 1 }
        let count = size.reduce(1, *)
        func coordinates(_ cell: Int) -> [Int] {
            var rest = cell
            return size.reversed().map { length in
                defer { rest /= length }
                return rest % length
            }.reversed()
        }
        func place(_ coordinates: [Int], in size: [Int]) -> Int { zip(coordinates, size).reduce(0) { $0 * $1.1 + $1.0 } }
        /// The voxels that decide when a cell appears: its corners, or the cubes around it.
        func voxels(_ coordinates: [Int]) -> [Int] {
            var found: [[Int]] = [[]]
            for (axis, at) in coordinates.enumerated() {
                var choices = at % 2 == (voxelsAreCorners ? 0 : 1) ? [at / 2] : voxelsAreCorners ? [at / 2, at / 2 + 1] : [at / 2 - 1, at / 2]
                choices = choices.filter { 0..<shape[axis] ~= $0 }
                found = found.flatMap { start in choices.map { start + [$0] } }
            }
            return found.map { place($0, in: shape) }
        }
        var cells: [(cell: Int, dimension: Int, value: Double)] = (0..<count).map { cell in
            let at = coordinates(cell)
            let around = voxels(at).map { values[$0] }
            let value = voxelsAreCorners ? around.max() : around.min()
            return (cell, at.filter { $0 % 2 == 1 }.count, value ?? 0)
        }
        cells.sort { ($0.value, $0.dimension, $0.cell) < ($1.value, $1.dimension, $1.cell) }
        let places = Dictionary(uniqueKeysWithValues: cells.enumerated().map { ($1.cell, $0) })
        classes = BoundaryMatrix(
            columns: cells.map { cell, _, _ in
                let at = coordinates(cell)
                return Set(
                    at.indices.filter { at[$0] % 2 == 1 }.flatMap { axis in
                        [-1, 1].compactMap { step in
                            var facet = at
                            facet[axis] += step
                            return places[place(facet, in: size)]
                        }
                    })
            }, dimensions: cells.map(\.dimension), values: cells.map(\.value)
        ).classes
    }
}
