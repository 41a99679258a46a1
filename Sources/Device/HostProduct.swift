import CLossKitOpenCL

/// Matrix products C = alpha A B + beta C in memory of the host by OpenBLAS (Accelerate on macOS), several of one shape if there is a batch.
///
/// They are cut into blocks that depend on the sizes alone, each the work of one thread: OpenBLAS's own threads cut by how many they are, and
/// what stands at the edge of a piece is summed in another order.
///
/// Unchecked: it is handed to threads that outlive no call of `run`, and each writes a block of its own.
package struct HostProduct<Element: HostProductElement>: @unchecked Sendable {
    /// A matrix with rows `leading` elements apart, whose transpose may be meant.
    package struct Operand {
        let start: UnsafePointer<Element>
        let leading: Int
        let isTransposed: Bool
        let batchStride: Int

        package init(_ start: UnsafePointer<Element>, leading: Int, isTransposed: Bool = false, batchStride: Int = 0) {
            (self.start, self.leading, self.isTransposed, self.batchStride) = (start, leading, isTransposed, batchStride)
        }
    }

    private let a: Operand
    private let b: Operand
    private let c: UnsafeMutablePointer<Element>
    private let (m, n, k, batch): (Int, Int, Int, Int)
    private let (alpha, beta): (Element, Element)

    /// A [m, k], B [k, n] and C [m, n], without gaps between its rows.
    package init(
        _ a: Operand, _ b: Operand, into c: UnsafeMutablePointer<Element>, m: Int, n: Int, k: Int, batch: Int = 1, alpha: Element = 1,
        beta: Element = 0
    ) {
        (self.a, self.b, self.c) = (a, b, c)
        (self.m, self.n, self.k, self.batch) = (m, n, k, batch)
        (self.alpha, self.beta) = (alpha, beta)
    }

    /// Whether BLAS can count as far.
    package static func isInRange(_ sizes: Int...) -> Bool { sizes.allSatisfy { $0 <= Int(Int32.max) } }

    package func run(by blas: losskit_blas) {
        let (rows, columns) = blockSize
        let (down, across) = ((m + rows - 1) / rows, (n + columns - 1) / columns)
        let work = min(rows, m) * min(columns, n) * max(1, k)
        ThreadPool.forEachChunk(of: batch * down * across, minimumPerChunk: max(1, Self.leastWork / work)) { pieces in
            for piece in pieces {
                let (index, block) = piece.quotientAndRemainder(dividingBy: down * across)
                let (row, column) = (block / across * rows, block % across * columns)
                run(
                    by: blas, index, row: row, column: column, rows: min(rows, m - row), columns: min(columns, n - column))
            }
        }
    }

    private func run(by blas: losskit_blas, _ index: Int, row: Int, column: Int, rows: Int, columns: Int) {
        let left = a.start + index * a.batchStride + row * (a.isTransposed ? 1 : a.leading)
        let right = b.start + index * b.batchStride + column * (b.isTransposed ? b.leading : 1)
        let (plain, transposed) = (Int32(losskit_no_transpose), Int32(losskit_transpose))
        Element.product(of: blas)(
            Int32(losskit_row_major), a.isTransposed ? transposed : plain, b.isTransposed ? transposed : plain, Int32(rows),
            Int32(columns), Int32(k), alpha, left, Int32(a.leading), right, Int32(b.leading), beta, c + index * m * n + row * n + column,
            Int32(n))
    }

    /// Multiplications that are worth another thread.
    private static var leastWork: Int { 1 << 20 }
    private static var fewBlocks: Int { 8 }

    /// Large enough that packing costs little (6 % of 4096 x 4096 x 4096), but enough blocks for some threads.
    private var blockSize: (rows: Int, columns: Int) {
        var (rows, columns) = (min(m, 512), min(n, 1024))
        func count(_ rows: Int, _ columns: Int) -> Int { batch * ((m + rows - 1) / rows) * ((n + columns - 1) / columns) }
        while count(rows, columns) < Self.fewBlocks, max(rows, columns) > 64, rows * columns * max(1, k) > 4 * Self.leastWork {
            // Halves of whole vectors.
            if rows > columns { rows = (rows / 2 + 15) / 16 * 16 } else { columns = (columns / 2 + 15) / 16 * 16 }
        }
        return (rows, columns)
    }
}

/// A type whose matrices OpenBLAS multiplies.
package protocol HostProductElement: ExpressibleByIntegerLiteral, Sendable {
    typealias Function = (
        Int32, Int32, Int32, Int32, Int32, Int32, Self, UnsafePointer<Self>?, Int32, UnsafePointer<Self>?, Int32, Self,
        UnsafeMutablePointer<Self>?, Int32
    ) -> Void

    static func product(of blas: losskit_blas) -> Function
}

extension Float: HostProductElement {
    package static func product(of blas: losskit_blas) -> Function { blas.sgemm }
}

extension Double: HostProductElement {
    package static func product(of blas: losskit_blas) -> Function { blas.dgemm }
}
