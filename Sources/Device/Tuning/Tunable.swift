/// A parameter of OpenCL kernels that is best chosen for each device by measuring. Results are right with every value that is allowed.
package enum Tunable: String, Sendable, CaseIterable {
    /// Rows and columns of the tiles of matrix products where there is no BLAS.
    case productTile
    /// Items of a work-group that share rows of logits.
    case rowGroup
    /// Logits that one item of a CPU takes at a time, in whole rows.
    case rowBlock
    /// Columns that a reduction over pairs holds at a time.
    case formulaTile
    /// Items of a work-group of a reduction over pairs.
    case formulaGroup

    /// What serves where nothing was measured.
    package func standard(on traits: OpenCLTraits) -> Int {
        let most = traits.maxWorkGroupSize
        switch self {
        case .productTile: return most >= 256 ? 16 : most >= 64 ? 8 : most >= 16 ? 4 : 1
        case .rowGroup: return Self.powerOfTwo(atMost: min(256, most))
        case .rowBlock: return 1 << 13
        case .formulaTile: return 16
        case .formulaGroup: return min(64, most)
        }
    }

    /// The values that the device's limits allow, in order; none where it has no use for the parameter.
    package func allowed(on traits: OpenCLTraits) -> [Int] {
        let standard = standard(on: traits)
        let others: [Int]
        switch self {
        case .productTile:
            guard !traits.isCPU else { return [] }
            // Two tiles of doubles with a column to spare.
            others = [4, 8, 16, 32].filter { $0 * $0 <= traits.maxWorkGroupSize && 16 * $0 * ($0 + 1) <= traits.localMemory }
        case .rowGroup:
            guard !traits.isCPU else { return [] }
            others = [32, 64, 128, 256].filter { $0 <= standard }
        case .rowBlock:
            guard traits.isCPU else { return [] }
            others = (10...16).map { 1 << $0 }
        case .formulaTile: others = [4, 8, 16, 32]
        case .formulaGroup:
            guard !traits.isCPU else { return [] }
            others = [16, 32, 64, 128].filter { $0 <= traits.maxWorkGroupSize }
        }
        return Set(others + [standard]).sorted()
    }

    private static func powerOfTwo(atMost limit: Int) -> Int { 1 << (Int.bitWidth - 1 - limit.leadingZeroBitCount) }
}
