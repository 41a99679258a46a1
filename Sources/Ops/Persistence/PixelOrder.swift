/// The cells of a two-dimensional image whose pixels are corners, in the order in which they appear: a cell with the last of its pixels, of which equal
/// ones appear by their places.
struct PixelOrder {
    let values: [Float]
    let height: Int
    let width: Int
    /// The place of each pixel in the order.
    let pixelPlaces: [Int]
    /// Edges and squares in the order, by their numbers, and the place of each.
    let edges: [Int]
    let edgePlaces: [Int]
    let squarePlaces: [Int]

    init(_ values: [Float], height: Int, width: Int) {
        (self.values, self.height, self.width) = (values, height, width)
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        var places = [Int](repeating: 0, count: values.count)
        for (place, pixel) in order.enumerated() { places[pixel] = place }
        pixelPlaces = places
        func last(_ pixels: [Int]) -> Int { pixels.map { places[$0] }.max() ?? 0 }
        func inverse(_ order: [Int]) -> [Int] {
            var inverse = order
            for (place, cell) in order.enumerated() { inverse[cell] = place }
            return inverse
        }
        let grid = PixelGrid(height: height, width: width)
        let edgeLasts = (0..<grid.edgeCount).map { last(grid.ends(ofEdge: $0)) }
        let squareLasts = (0..<grid.squareCount).map { last(grid.corners(ofSquare: $0)) }
        edges = edgeLasts.indices.sorted { (edgeLasts[$0], $0) < (edgeLasts[$1], $1) }
        edgePlaces = inverse(edges)
        squarePlaces = inverse(squareLasts.indices.sorted { (squareLasts[$0], $0) < (squareLasts[$1], $1) })
    }

    /// The pixel with which cells appear, and so their value.
    func last(_ pixels: [Int]) -> Int { pixels.max { pixelPlaces[$0] < pixelPlaces[$1] } ?? 0 }
}

/// The numbering of an image's edges, those along rows first, and squares.
struct PixelGrid {
    let height: Int
    let width: Int

    private var rowEdgeCount: Int { height * (width - 1) }
    var edgeCount: Int { rowEdgeCount + (height - 1) * width }
    var squareCount: Int { (height - 1) * (width - 1) }

    func ends(ofEdge edge: Int) -> [Int] {
        guard edge < rowEdgeCount else { return [edge - rowEdgeCount, edge - rowEdgeCount + width] }
        let pixel = edge / (width - 1) * width + edge % (width - 1)
        return [pixel, pixel + 1]
    }

    func corners(ofSquare square: Int) -> [Int] {
        let pixel = square / (width - 1) * width + square % (width - 1)
        return [pixel, pixel + 1, pixel + width, pixel + width + 1]
    }

    /// The squares on both sides of an edge; ``squareCount`` stands for what is outside.
    func sides(ofEdge edge: Int) -> [Int] {
        func square(_ row: Int, _ column: Int) -> Int {
            0..<height - 1 ~= row && 0..<width - 1 ~= column ? row * (width - 1) + column : squareCount
        }
        if edge < rowEdgeCount {
            let (row, column) = (edge / (width - 1), edge % (width - 1))
            return [square(row - 1, column), square(row, column)]
        }
        let (row, column) = ((edge - rowEdgeCount) / width, (edge - rowEdgeCount) % width)
        return [square(row, column - 1), square(row, column)]
    }
}
