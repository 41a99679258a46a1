import CLossKitHost
import LossKitDevice

/// Which blocks of columns matter to each tile of rows of a soft minimum, and which may come to, a bit each: looked for in some sweeps and gone by in
/// others. Of points on the CPU in at most eight dimensions, rows and columns in an order that keeps neighbours together.
package struct NearColumns: Sendable {
    /// What a sweep does.
    package enum Sweep: Sendable {
        /// Goes by what matters.
        case go
        /// Looks for that among the candidates.
        case search
        /// Looks for both among all.
        case survey
    }

    private let bits: BufferSlice
    private let candidates: BufferSlice
    private let words: Int
    private let shares: (least: Float, remote: Float)
    private var sweep = Sweep.go

    /// - Parameters:
    ///   - least: The share of a row's sum at which a block matters.
    ///   - remote: At which it is a candidate.
    package init(n: Int, m: Int, least: Double, remote: Double) throws {
        func pieces(_ count: Int, _ size: Int) -> Int { (count + size - 1) / size }
        words = pieces(pieces(m, Int(losskit_near_columns)), UInt64.bitWidth)
        let bytes = 8 * words * pieces(n, Int(losskit_near_rows))
        bits = BufferSlice(try Buffer(byteCount: bytes, on: .cpu), elementSize: 8)
        candidates = BufferSlice(try Buffer(byteCount: bytes, on: .cpu), elementSize: 8)
        shares = (Float(least), Float(remote))
    }

    /// The same for one kind of sweep.
    package func sweeping(_ sweep: Sweep) -> NearColumns {
        var copy = self
        copy.sweep = sweep
        return copy
    }

    var reads: [BufferSlice] {
        switch sweep {
        case .go: [bits]
        case .search: [candidates]
        case .survey: []
        }
    }

    var updates: [BufferSlice] {
        switch sweep {
        case .go: []
        case .search: [bits]
        case .survey: [bits, candidates]
        }
    }

    /// As C takes them, of a call that has them last among what it reads, from `count` on, and alone among what it updates.
    static func raw(_ lists: [NearColumns], _ pointers: HostPointers, reads count: Int) -> [losskit_near] {
        var (read, updated) = (count, 0)
        return lists.map { list in
            defer { (read, updated) = (read + list.reads.count, updated + list.updates.count) }
            var near = losskit_near()
            (near.words, near.least, near.remote) = (Int64(list.words), list.shares.least, list.shares.remote)
            let known = list.reads.isEmpty ? nil : UnsafeMutablePointer(mutating: pointers.read(read, as: UInt64.self))
            switch list.sweep {
            case .go: (near.sweep, near.bits) = (Int32(losskit_near_go), known)
            case .search: (near.sweep, near.bits, near.candidates) = (Int32(losskit_near_search), pointers.update(updated), known)
            case .survey:
                (near.sweep, near.bits) = (Int32(losskit_near_survey), pointers.update(updated))
                near.candidates = pointers.update(updated + 1)
            }
            return near
        }
    }

    func raw(_ pointers: HostPointers, reads count: Int) -> losskit_near { Self.raw([self], pointers, reads: count)[0] }

    /// A problem's rows in pieces of whole tiles.
    static func pieces(of rows: Range<Int>) -> [Range<Int>] {
        let height = tilesAtOnce * Int(losskit_near_rows)
        return stride(from: rows.lowerBound, to: rows.upperBound, by: height).map { $0..<min(rows.upperBound, $0 + height) }
    }

    /// Tiles that are worth a dispatch to another thread.
    private static let tilesAtOnce = 2
}

extension ThreadPool {
    /// Runs `body` over pieces of rows, with the lists of those that have some, for which they are whole tiles.
    static func forEachChunk(
        of rows: Int, minimumPerChunk: Int, near: losskit_near?, _ body: @escaping @Sendable (Range<Int>, UnsafePointer<losskit_near>?) -> Void
    ) {
        guard let near else { return forEachChunk(of: rows, minimumPerChunk: minimumPerChunk) { body($0, nil) } }
        let (shared, pieces) = (Shared(near), NearColumns.pieces(of: 0..<rows))
        forEach(pieces.count) { piece in withUnsafePointer(to: shared.value) { body(pieces[piece], $0) } }
    }
}
