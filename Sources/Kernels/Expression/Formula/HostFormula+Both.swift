import CLossKitHost
import LossKitDevice
import Synchronization

extension HostFormula {
    /// Bytes of the columns' sums that are held in float64 at a time, at least.
    private static let stretchBytes = 2 << 20
    /// Stretches at most: what the rows' results are added up from.
    private static let mostStretches = 32

    /// Sums for every row and for every column from one look at each pair.
    ///
    /// Threads take blocks of rows in order and keep each behind the one before, so that the order of every sum is the same however many
    /// there are.
    func runBoth(slots: [UnsafeRawPointer], rows: UnsafeMutableRawPointer, columns: UnsafeMutableRawPointer) throws {
        try withFormula(slots: slots) { formula in
            let width = operands.columnWidth
            let length = max(Self.stretchBytes / (8 * width), (operands.columns + Self.mostStretches - 1) / Self.mostStretches)
            let stretch = min(operands.columns, (length + 255) / 256 * 256)
            let blocks = (operands.rows + Int(losskit_formula_rows) - 1) / Int(losskit_formula_rows)
            let threads = min(blocks, ThreadPool.threadCount)
            let size = withUnsafePointer(to: formula) { Int(losskit_formula_scratch($0)) }
            let memory = try Buffer(byteCount: size * threads + 8 * (stretch * width + blocks), on: .cpu)
            defer { withExtendedLifetime(memory) {} }
            guard let scratch = memory.hostPointer else { return }
            let sums = (scratch + size * threads).assumingMemoryBound(to: Double.self)
            let done = (scratch + size * threads + 8 * stretch * width).assumingMemoryBound(to: Int64.self)
            for from in Swift.stride(from: 0, to: operands.columns, by: stretch) {
                done.initialize(repeating: 0, count: blocks)
                let part = losskit_formula_stretch(
                    from: Int64(from), to: Int64(min(operands.columns, from + stretch)), sums: sums, done: done, out: rows,
                    column_out: columns)
                let call = Shared((formula: formula, part: part, scratch: scratch))
                let queue = Queue()
                ThreadPool.forEach(threads) { thread in
                    withUnsafePointer(to: call.value.formula) { formula in
                        withUnsafePointer(to: call.value.part) { part in
                            while case let block = queue.next.add(1, ordering: .relaxed).oldValue, block < blocks {
                                losskit_formula_reduce_both(formula, Int64(block), part, call.value.scratch + thread * size)
                            }
                        }
                    }
                }
            }
        }
    }
}
