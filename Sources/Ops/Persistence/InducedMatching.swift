/// The classes of two images' sublevel sets that are the same class of the union of these sets.
///
/// Both images' sublevel sets lie in those of their minimum. A class of an image and one of the minimum are matched where the image of the one in the
/// homology of the minimum, a module with a barcode of its own, begins with the same cell as the one and ends with the same cell as the other.
/// Source: N. Stucki, J. Paetzold, S. Shit, B. Menze, U. Bauer, Topologically faithful image segmentation via induced matching of persistence barcodes, 2023.
struct InducedMatching {
    /// The pixels at whose values a class begins and ends, the latter nil where it never does.
    typealias Class = (birth: Int, death: Int?)

    /// Of the two images' classes those that are matched, and those that are not.
    private(set) var matched: [(Class, Class)] = []
    private(set) var unmatched: ([Class], [Class]) = ([], [])

    /// - Parameters:
    ///   - first: An image in row-major order, without NaN, and `second` another one of the same size.
    init(_ first: [Float], _ second: [Float], height: Int, width: Int) {
        let grid = PixelGrid(height: height, width: width)
        let images = [first, second].map { PixelOrder($0, height: height, width: width) }
        let union = PixelOrder(zip(first, second).map { min($0, $1) }, height: height, width: width)
        for dimension in 0...1 {
            let classes = images.map { Barcode($0, grid, dimension).classes(matchedTo: union) }
            let partners = Dictionary(
                classes[1].compactMap { found in found.partner.map { ($0, found.bar) } }, uniquingKeysWith: { first, _ in first })
            let shared = Set(classes[0].compactMap(\.partner)).intersection(partners.keys)
            for found in classes[0] {
                if let partner = found.partner, let other = partners[partner] {
                    matched.append((found.bar, other))
                } else {
                    unmatched.0.append(found.bar)
                }
            }
            unmatched.1 += classes[1].filter { found in found.partner.map { !shared.contains($0) } ?? true }.map(\.bar)
        }
        // One component of each never ends.
        let firsts = images.map { image -> Class in (image.pixelPlaces.firstIndex(of: 0) ?? 0, nil) }
        matched.append((firsts[0], firsts[1]))
    }
}

/// The classes of an image's sublevel sets in one dimension, by the cells that begin and end them.
private struct Barcode {
    let image: PixelOrder
    let grid: PixelGrid
    let dimension: Int

    init(_ image: PixelOrder, _ grid: PixelGrid, _ dimension: Int) { (self.image, self.grid, self.dimension) = (image, grid, dimension) }

    /// The classes that live for some time, each with the cell that ends its partner in the union.
    func classes(matchedTo union: PixelOrder) -> [(bar: InducedMatching.Class, partner: Int?)] {
        let own = endings(image, image), image = endings(self.image, union), whole = endings(union, union)
        // Of the union, the cells that begin classes by those that end them.
        var beginnings: [Int: Int] = [:]
        for (birth, death) in whole where lives(birth, in: union, death, in: union) { beginnings[death] = birth }
        return own.compactMap { birth, death in
            guard lives(birth, in: self.image, death, in: self.image) else { return nil }
            let bar = (birth: pixel(birth, dimension, self.image), death: Optional(pixel(death, dimension + 1, self.image)))
            guard let end = image[birth], lives(birth, in: self.image, end, in: union), beginnings[end] != nil else { return (bar, nil) }
            return (bar, end)
        }.sorted { ($0.bar.birth, $0.bar.death ?? 0) < ($1.bar.birth, $1.bar.death ?? 0) }
    }

    /// What ends each class of the homology of `domain` in that of `codomain`, by the cells that begin them.
    private func endings(_ domain: PixelOrder, _ codomain: PixelOrder) -> [Int: Int] {
        dimension == 0
            ? Self.merge(
                codomain.edges.map { ($0, grid.ends(ofEdge: $0)) }, count: grid.height * grid.width, isElder: {
                    domain.pixelPlaces[$0] < domain.pixelPlaces[$1]
                }
            ).reduce(into: [:]) { $0[$1.younger] = $1.edge }
            // Loops are the components of what is not there yet, seen backwards.
            : Self.merge(
                domain.edges.reversed().map { ($0, grid.sides(ofEdge: $0)) }, count: grid.squareCount + 1, isElder: {
                    $0 == grid.squareCount || ($1 != grid.squareCount && codomain.squarePlaces[$0] > codomain.squarePlaces[$1])
                }
            ).reduce(into: [:]) { $0[$1.edge] = $1.younger }
    }

    /// Joins things along edges in turn: of two components the younger's eldest thing is paired with the edge.
    private static func merge(
        _ edges: [(edge: Int, ends: [Int])], count: Int, isElder: (Int, Int) -> Bool
    ) -> [(younger: Int, edge: Int)] {
        var parent = Array(0..<count)
        func root(_ start: Int) -> Int {
            var thing = start
            while parent[thing] != thing {
                parent[thing] = parent[parent[thing]]
                thing = parent[thing]
            }
            return thing
        }
        var pairs: [(younger: Int, edge: Int)] = []
        for (edge, ends) in edges {
            let (a, b) = (root(ends[0]), root(ends[1]))
            guard a != b else { continue }
            let (elder, younger) = isElder(a, b) ? (a, b) : (b, a)
            parent[younger] = elder
            pairs.append((younger, edge))
        }
        return pairs
    }

    private func pixel(_ cell: Int, _ cellDimension: Int, _ image: PixelOrder) -> Int {
        switch cellDimension {
        case 0: cell
        case 1: image.last(grid.ends(ofEdge: cell))
        default: image.last(grid.corners(ofSquare: cell))
        }
    }

    private func lives(_ birth: Int, in first: PixelOrder, _ death: Int, in second: PixelOrder) -> Bool {
        first.values[pixel(birth, dimension, first)] < second.values[pixel(death, dimension + 1, second)]
    }
}
