/// The order of points along a Hilbert curve, in which points that follow one another are neighbours.
///
/// Skilling, Programming the Hilbert Curve, 2004.
enum HilbertOrder {
    /// The positions of `count` points of d coordinates, which lie row by row, along the curve.
    static func positions(_ points: [Float], count: Int, d: Int) -> [Int] {
        let bits = min(31, 62 / d)
        let (low, scale) = grid(points, count: count, d: d, bits: bits)
        var cell = [UInt32](repeating: 0, count: d)
        let keys = (0..<count).map { i -> UInt64 in
            for k in 0..<d {
                let at = (points[i * d + k] - low[k]) * scale
                cell[k] = at.isFinite ? UInt32(min(max(at, 0), Float((1 << bits) - 1).nextDown)) : 0
            }
            return key(&cell, bits: bits)
        }
        return (0..<count).sorted { (keys[$0], $0) < (keys[$1], $1) }
    }

    /// The least of each coordinate, and cells per unit of length, the same along all.
    private static func grid(_ points: [Float], count: Int, d: Int, bits: Int) -> (low: [Float], scale: Float) {
        var (low, extent) = ([Float](repeating: 0, count: d), Float.leastNormalMagnitude)
        for k in 0..<d {
            var (least, most) = (Float.infinity, -Float.infinity)
            for i in 0..<count { (least, most) = (min(least, points[i * d + k]), max(most, points[i * d + k])) }
            low[k] = least
            extent = max(extent, most - least)
        }
        return (low, Float((1 << bits) - 1) / extent)
    }

    /// Where a cell comes along the curve; the cell is used up.
    private static func key(_ cell: inout [UInt32], bits: Int) -> UInt64 {
        let d = cell.count
        let top = UInt32(1) << UInt32(bits - 1)
        var bit = top
        while bit > 1 {
            for i in 0..<d {
                let below = bit - 1
                if cell[i] & bit != 0 {
                    cell[0] ^= below
                } else {
                    let swapped = (cell[0] ^ cell[i]) & below
                    cell[0] ^= swapped
                    cell[i] ^= swapped
                }
            }
            bit >>= 1
        }
        for i in 1..<max(1, d) { cell[i] ^= cell[i - 1] }
        var flips: UInt32 = 0
        bit = top
        while bit > 1 {
            if cell[d - 1] & bit != 0 { flips ^= bit - 1 }
            bit >>= 1
        }
        var key: UInt64 = 0
        for place in stride(from: bits - 1, through: 0, by: -1) {
            for i in 0..<d { key = key << 1 | UInt64((cell[i] ^ flips) >> UInt32(place) & 1) }
        }
        return key
    }
}
