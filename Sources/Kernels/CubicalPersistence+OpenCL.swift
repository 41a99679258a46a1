import LossKitDevice

/// The steps of an image's persistent homology on a device: a sort of the pixels, then for components, and for loops as components of
/// what is not there, rounds in which every component that meets an older one first ends there.
struct CubicalSteps {
    /// Images in which few components end in a round, as where ever shallower hollows lie in a row, are left to the host.
    static let mostRounds = 64
    /// Rounds that are queued before the host looks whether there is more to do.
    private static let queuedRounds = 4

    let image: BufferSlice
    let height: Int
    let width: Int
    let encoder: OpenCLEncoder
    private var count: Int { height * width }

    /// The classes by dimension, as ``CubicalPersistence`` has them; nil after too many rounds.
    func classes(rank: Int, voxelsAreCorners: Bool) throws -> (classes: [[CubicalPersistence.Class]], first: Int)? {
        let order = try integers(count)
        try Sort.Call(dtype: .float32, rows: 1, length: count, descending: false).launch(image, into: order, on: encoder)
        guard var classes = try components(order, isReversed: false, touchesCorners: !voxelsAreCorners).map({ [$0] }) else { return nil }
        if rank > 1 {
            guard let loops = try components(order, isReversed: true, touchesCorners: voxelsAreCorners) else { return nil }
            classes.append(loops)
        }
        return (classes, Int(try numbers(order, 0..<1)[0]))
    }

    /// Those that live for some time, by the order of their pixels; backwards they are the loops, and the outside is there from the
    /// beginning.
    private func components(_ order: BufferSlice, isReversed: Bool, touchesCorners: Bool) throws -> [CubicalPersistence.Class]? {
        let (ranks, best, deaths) = (try integers(count + 1), try integers(count + 1), try integers(count + 1))
        var (parent, component) = (try integers(count + 1), try integers(count + 1))
        let hooks = BufferSlice(try encoder.zeroedScratch(byteCount: 4 * Self.mostRounds), elementSize: 4)
        let reversed = KernelArgument.int32(isReversed ? 1 : 0)
        let grid = [.int32(touchesCorners ? 1 : 0), reversed, KernelArgument.count(height), .count(width)]
        try launch("cubical_ranks", [.buffer(order), .buffer(ranks), .buffer(deaths), reversed, .count(count)])
        try launch("cubical_descend", [.buffer(ranks), .buffer(component), .buffer(best)] + grid)
        for _ in sequence(first: 1, next: { $0 * 16 }).prefix(while: { $0 < count }) {
            try launch("cubical_jump", [.buffer(component), .buffer(parent), .count(count)])
            swap(&parent, &component)
        }
        for round in 0..<Self.mostRounds {
            let known: [KernelArgument] = [.buffer(ranks), .buffer(component), .buffer(best)]
            let number = KernelArgument.int32(Int32(round))
            try launch("cubical_meet", known + [.buffer(hooks), number] + grid)
            try launch(
                "cubical_hook",
                [.buffer(order)] + known + [.buffer(parent), .buffer(deaths), .buffer(hooks), number, reversed] + grid)
            try launch("cubical_relabel", [.buffer(parent), .buffer(component), .buffer(best), .buffer(hooks), number, .count(count)])
            guard round % Self.queuedRounds == Self.queuedRounds - 1 else { continue }
            if try numbers(hooks, round..<round + 1)[0] == 0 { return try pairs(deaths, isReversed: reversed) }
        }
        return nil
    }

    private func pairs(_ deaths: BufferSlice, isReversed: KernelArgument) throws -> [CubicalPersistence.Class] {
        let piece = max(16, Int(Double(count).squareRoot()))
        let pieces = (count + piece - 1) / piece
        let starts = try integers(pieces + 1)
        let sizes = [KernelArgument.count(count), .count(piece)]
        try launch("cubical_count", [.buffer(image), .buffer(deaths), .buffer(starts)] + sizes, items: pieces)
        try launch("cubical_starts", [.buffer(starts), .count(pieces)], items: 1)
        let found = Int(try numbers(starts, pieces..<pieces + 1)[0])
        guard found > 0 else { return [] }
        let pairs = try integers(2 * found)
        try launch(
            "cubical_pairs", [.buffer(image), .buffer(deaths), .buffer(starts), .buffer(pairs), isReversed] + sizes, items: pieces)
        let flat = try numbers(pairs, 0..<2 * found)
        return (0..<found).map { (birth: Int(flat[2 * $0]), death: Int(flat[2 * $0 + 1])) }
    }

    private func integers(_ count: Int) throws -> BufferSlice {
        BufferSlice(try encoder.scratch(byteCount: 4 * count), elementSize: 4)
    }

    private func numbers(_ slice: BufferSlice, _ range: Range<Int>) throws -> [Int32] {
        var numbers = [Int32](repeating: 0, count: range.count)
        try numbers.withUnsafeMutableBytes { try slice.buffer.download(into: $0, from: 4 * range.lowerBound) }
        return numbers
    }

    /// An item a pixel, and one for the outside.
    private func launch(_ kernel: String, _ arguments: [KernelArgument], items: Int? = nil) throws {
        let local = items == 1 ? 1 : min(64, encoder.traits.maxWorkGroupSize)
        try encoder.launch(kernel, in: "cubical", arguments: arguments, global: [items ?? count + 1], local: [local])
    }
}
