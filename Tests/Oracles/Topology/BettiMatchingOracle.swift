import Foundation

extension LossOracle {
    static let bettiMatching = LossOracle(
        name: "bettiMatching", extents: ["h": 5, "w": 4], sizes: [1, 3],
        cases: [
            LossCase(options: ["filtration": "sublevel"], extents: ["n": 2, "h": 4, "w": 6]),
            LossCase(options: ["filtration": "both", "isRelative": "true"], extents: ["n": 2]),
            LossCase(options: ["isRelative": "true"], extents: ["n": 2, "h": 1, "w": 5]),
        ], divisor: { Double(max(1, $0["predictions"].shape[0])) }
    ) { given in
        let (predictions, targets) = (given["predictions"], given["targets"])
        let (h, w) = (predictions.shape[1], predictions.shape[2])
        let isRelative = given.flag("isRelative")
        let words = ["superlevel": [true], "sublevel": [false], "both": [true, false]]
        return (0..<predictions.shape[0]).map { index in
            (words[given.word("filtration", "superlevel")] ?? []).reduce(0.0) { sum, isSuperlevel in
                func image(_ all: Matrix) -> PixelComplex {
                    let values = Array(all.values[index * h * w..<(index + 1) * h * w])
                    return PixelComplex(values.map { isSuperlevel ? -$0 : $0 }, h, w, frame: isRelative ? (isSuperlevel ? -1 : 0) : nil)
                }
                return sum + PixelComplex.mismatch(image(predictions), image(targets))
            }
        }
    }
}

/// An image's cells with the numbers at which they appear in its sublevel sets, and homology by reducing matrices.
private struct PixelComplex {
    let pixels: [Double]
    /// By dimension each cell's facets.
    let facets: [[Set<Int>]]
    /// By dimension the number at which each cell appears.
    let values: [[Double]]

    init(_ inner: [Double], _ innerHeight: Int, _ innerWidth: Int, frame: Double?) {
        let rim = frame == nil ? 0 : 1
        let (height, width) = (innerHeight + 2 * rim, innerWidth + 2 * rim)
        var pixels = [Double](repeating: frame ?? 0, count: height * width)
        for y in 0..<innerHeight {
            for x in 0..<innerWidth { pixels[(y + rim) * width + x + rim] = inner[y * innerWidth + x] }
        }
        var edges: [Set<Int>] = []
        var numbers: [Set<Int>: Int] = [:]
        func add(_ edge: Set<Int>) {
            numbers[edge] = edges.count
            edges.append(edge)
        }
        for y in 0..<height {
            for x in 0..<width - 1 { add([y * width + x, y * width + x + 1]) }
        }
        for y in 0..<height - 1 {
            for x in 0..<width { add([y * width + x, (y + 1) * width + x]) }
        }
        var squares: [Set<Int>] = []
        for y in 0..<max(0, height - 1) {
            for x in 0..<max(0, width - 1) {
                let (a, b, c, d) = (y * width + x, y * width + x + 1, (y + 1) * width + x, (y + 1) * width + x + 1)
                squares.append(Set([[a, b], [c, d], [a, c], [b, d]].compactMap { numbers[Set($0)] }))
            }
        }
        func last(_ cells: Set<Int>, _ values: [Double]) -> Double { cells.map { values[$0] }.max() ?? 0 }
        let edgeValues = edges.map { last($0, pixels) }
        self.pixels = pixels
        facets = [[], edges, squares]
        values = [pixels, edgeValues, squares.map { last($0, edgeValues) }]
    }

    /// Of the image of this complex's homology in another's, by the cells that begin classes those that end them.
    func endings(in other: PixelComplex, dimension: Int) -> [Int: Int] {
        func places(_ values: [Double]) -> [Int] {
            var places = [Int](repeating: 0, count: values.count)
            for (place, cell) in values.indices.sorted(by: { (values[$0], $0) < (values[$1], $1) }).enumerated() { places[cell] = place }
            return places
        }
        let rows = places(values[dimension])
        let columns = places(other.values[dimension + 1])
        var reduced: [Int: (column: Set<Int>, cell: Int)] = [:]
        for cell in columns.indices.sorted(by: { columns[$0] < columns[$1] }) {
            var column = facets[dimension + 1][cell]
            while let low = column.max(by: { rows[$0] < rows[$1] }) {
                guard let taken = reduced[low] else {
                    reduced[low] = (column, cell)
                    break
                }
                column.formSymmetricDifference(taken.column)
            }
        }
        return reduced.mapValues(\.cell)
    }

    static func mismatch(_ p: PixelComplex, _ t: PixelComplex) -> Double {
        // A cell of the union appears with the last pixel of the smaller image, not with the smaller of its own two numbers.
        let c = PixelComplex(like: p, pixels: zip(p.pixels, t.pixels).map { min($0, $1) })
        var sum = 2 * pow((p.pixels.min() ?? 0) - (t.pixels.min() ?? 0), 2)
        for dimension in 0...1 {
            let whole = c.endings(in: c, dimension: dimension)
            let ends = Set(whole.filter { c.values[dimension][$0] < c.values[dimension + 1][$1] }.values)
            func classes(_ image: PixelComplex) -> [(birth: Double, death: Double, partner: Int?)] {
                let induced = image.endings(in: c, dimension: dimension)
                return image.endings(in: image, dimension: dimension).compactMap { birth, death in
                    let (b, d) = (image.values[dimension][birth], image.values[dimension + 1][death])
                    guard b < d else { return nil }
                    guard let end = induced[birth], b < c.values[dimension + 1][end], ends.contains(end) else { return (b, d, nil) }
                    return (b, d, end)
                }
            }
            let (first, second) = (classes(p), classes(t))
            for found in first {
                if let partner = found.partner, let other = second.first(where: { $0.partner == partner }) {
                    sum += 2 * (pow(found.birth - other.birth, 2) + pow(found.death - other.death, 2))
                } else {
                    sum += pow(found.birth - found.death, 2)
                }
            }
            for found in second where found.partner == nil || !first.contains(where: { $0.partner == found.partner }) {
                sum += pow(found.birth - found.death, 2)
            }
        }
        return sum
    }

    private init(like other: PixelComplex, pixels: [Double]) {
        func last(_ cells: Set<Int>, _ values: [Double]) -> Double { cells.map { values[$0] }.max() ?? 0 }
        let edgeValues = other.facets[1].map { last($0, pixels) }
        self.pixels = pixels
        facets = other.facets
        values = [pixels, edgeValues, facets[2].map { last($0, edgeValues) }]
    }
}
