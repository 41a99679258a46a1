import LossKitOps

/// Elements at given ranks of numbers that are seen a block at a time and never held, nor sorted, together.
enum OrderStatistics {
    /// What is counted of a block: one set of numbers for each rank, and which of them take part.
    typealias Visit = ([(Tensor, where: Tensor)]) throws -> Void

    /// The float32 elements with so many others below them, exactly; infinity where there are not so many.
    ///
    /// Seven passes, each of which counts what lies below 31 bounds between those that the last one left.
    /// - Parameter pass: Calls its argument with each block's numbers.
    static func find(_ ranks: [Int], _ pass: (Visit) throws -> Void) throws -> [Float] {
        let last = Int(key(.infinity))
        var bounds = ranks.map { _ in (low: 0, high: last) }
        while bounds.contains(where: { $0.low < $0.high }) {
            let keys = bounds.map { bounds in (1...31).map { bounds.low + (bounds.high - bounds.low) * $0 / 32 } }
            var counts = keys.map { $0.map { _ in 0 } }
            try pass { sets in
                for (index, set) in sets.enumerated() {
                    let limits = try Tensor(keys[index].map { value($0) }, on: set.0.device).reshaped([31, 1, 1])
                    let isBelow = (set.0.asType(.float32) .<= limits) .&& set.where
                    // A block has fewer numbers than float32 counts.
                    let found = try isBelow.asType(.float32).sum(axes: [1, 2]).array(of: Double.self)
                    for (place, count) in found.enumerated() { counts[index][place] += Int(count) }
                }
            }
            for index in bounds.indices {
                // The element is above the last key that too few reach, at most the next one.
                let enough = counts[index].firstIndex { $0 > ranks[index] }
                if let enough { bounds[index].high = keys[index][enough] }
                let few = enough.map { $0 - 1 } ?? 30
                if few >= 0 { bounds[index].low = Swift.min(keys[index][few] + 1, bounds[index].high) }
            }
        }
        return bounds.map { value($0.high) }
    }

    /// Whole numbers in the order of the floating-point ones.
    private static func key(_ value: Float) -> UInt32 {
        let bits = value.bitPattern
        return bits >> 31 == 1 ? ~bits : bits | 1 << 31
    }

    private static func value(_ key: Int) -> Float {
        let key = UInt32(truncatingIfNeeded: key)
        return Float(bitPattern: key >> 31 == 1 ? key & ~(1 << 31) : ~key)
    }
}
