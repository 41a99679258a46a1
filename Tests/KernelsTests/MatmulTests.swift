import LossKitTestSupport
import Testing

@testable import LossKitDevice
@testable import LossKitKernels

/// Every engine that multiplies, on whatever is here, against sums in float64.
@Suite(.serialized) struct MatmulTests {
    /// On a CPU, compiling all of CLBlast's kernels takes minutes, for what is never used there.
    static let engines = Matmul.Engine.allCases.filter {
        $0 != .clblast || CLBlast.isAvailable && (Environment.value("LOSSKIT_TEST_CLBLAST") != nil || Device.all.contains { $0.kind == .gpu })
    }

    /// An operand of [batch, rows, columns]: how it lies, and the numbers of the buffer that it lies in.
    private struct Matrices {
        var rows: Int
        var columns: Int
        var rowStride: Int
        var columnStride: Int
        var batchStride: Int
        var offset: Int
        var numbers: [Double]

        enum Layout: CaseIterable { case rows, columns, gaps, scattered }

        init(_ rows: Int, _ columns: Int, _ batch: Int, _ layout: Layout, isShared: Bool, offset: Int, random: inout SplitMix64) {
            (self.rows, self.columns, self.offset) = (rows, columns, offset)
            (rowStride, columnStride) =
                switch layout {
                case .rows: (columns, 1)
                case .columns: (1, rows)
                case .gaps: (columns + 3, 1)
                case .scattered: (2 * columns, 2)
                }
            let size = max(rows, 1) * rowStride + max(columns, 1) * columnStride
            batchStride = isShared ? 0 : size + 1
            numbers = random.values(offset + size + batchStride * max(0, batch - 1)).map { Double(Float($0)) }
        }

        subscript(batch: Int, row: Int, column: Int) -> Double {
            numbers[offset + batch * batchStride + row * rowStride + column * columnStride]
        }

        func operand<T: BinaryFloatingPoint & SendableMetatype>(_ type: T.Type, on device: Device) throws -> MatrixOperand {
            MatrixOperand(
                slice: BufferSlice(
                    try buffer(numbers.map { T($0) }, on: device), byteOffset: offset * MemoryLayout<T>.size,
                    elementSize: MemoryLayout<T>.size), rowStride: rowStride, columnStride: columnStride, batchStride: batchStride)
        }
    }

    private func expectProduct<T: BinaryFloatingPoint & SendableMetatype>(
        _ type: T.Type, _ a: Matrices, _ b: Matrices, batch: Int, by engine: Matmul.Engine, on device: Device, _ label: String
    ) throws {
        let (m, k, n, margin) = (a.rows, a.columns, b.columns, 5)
        let count = batch * m * n
        let c = try buffer([T](repeating: -7, count: count + 2 * margin), on: device)
        try Matmul(batch: batch, m: m, n: n, k: k, isDouble: type == Double.self).run(
            a.operand(type, on: device), b.operand(type, on: device),
            into: BufferSlice(c, byteOffset: margin * MemoryLayout<T>.size, elementSize: MemoryLayout<T>.size), on: device, by: engine)
        var found = [T](repeating: 0, count: count + 2 * margin)
        try found.withUnsafeMutableBytes { try c.download(into: $0) }
        let edges = Array(found.prefix(margin) + found.suffix(margin))
        #expect(edges == [T](repeating: -7, count: 2 * margin), "\(label): written beside the product")
        var (expected, scale): ([Double], [Double]) = ([], [])
        for p in 0..<batch {
            for i in 0..<m {
                for j in 0..<n {
                    let terms = (0..<k).map { a[p, i, $0] * b[p, $0, j] }
                    expected.append(terms.reduce(0, +))
                    scale.append(terms.reduce(0) { $0 + abs($1) })
                }
            }
        }
        // Rounding of k terms, added one by one at worst.
        expectClose(
            found[margin..<margin + count].map(Double.init), expected, tolerance: Double(T.ulpOfOne) * max(4, Double(k)),
            scale: scale.map { max($0, .leastNormalMagnitude) }, label)
    }

    private func expectProducts<T: BinaryFloatingPoint & SendableMetatype>(_ type: T.Type, by engine: Matmul.Engine, on device: Device) throws {
        var random = SplitMix64(seed: 9)
        let shapes = [(1, 1, 1), (5, 3, 7), (33, 18, 21), (1, 17, 64), (64, 5, 1), (4, 0, 3), (0, 4, 3), (3, 4, 0), (33, 35, 37)]
        for (m, k, n) in shapes {
            for (index, left) in Matrices.Layout.allCases.enumerated() {
                for right in Matrices.Layout.allCases {
                    let batch = [1, 3, 2, 0][(m + index) % 4]
                    let a = Matrices(m, k, batch, left, isShared: false, offset: 2, random: &random)
                    let b = Matrices(k, n, batch, right, isShared: n == 7, offset: 0, random: &random)
                    try expectProduct(
                        type, a, b, batch: batch, by: engine, on: device, "\(type) \(batch) x \(m) \(k) \(n), \(left) \(right), \(engine)")
                }
            }
        }
        // Matrices in reverse order.
        var reversed = Matrices(4, 6, 3, .rows, isShared: false, offset: 0, random: &random)
        (reversed.offset, reversed.batchStride) = (2 * reversed.batchStride, -reversed.batchStride)
        let other = Matrices(6, 5, 3, .columns, isShared: false, offset: 1, random: &random)
        try expectProduct(type, reversed, other, batch: 3, by: engine, on: device, "\(type) reversed, \(engine)")
    }

    @Test(arguments: Device.all.filter(\.isOpenCL), engines)
    func multipliesByTheDefinition(device: Device, engine: Matmul.Engine) throws {
        try expectProducts(Float.self, by: engine, on: device)
        if device.traits?.hasFP64 == true { try expectProducts(Double.self, by: engine, on: device) }
    }

    @Test(.enabled(if: CLBlast.isAvailable), arguments: Device.all.filter(\.isOpenCL))
    func multipliesAPairByCLBlast(device: Device) throws {
        var random = SplitMix64(seed: 11)
        let a = Matrices(19, 33, 1, .gaps, isShared: false, offset: 4, random: &random)
        let b = Matrices(33, 18, 1, .rows, isShared: false, offset: 1, random: &random)
        try expectProduct(Float.self, a, b, batch: 1, by: .clblast, on: device, "one pair by CLBlast")
    }

    @Test func multipliesOnTheCPU() throws {
        try expectProducts(Float.self, by: .host, on: .cpu)
        try expectProducts(Double.self, by: .host, on: .cpu)
    }

    /// Sizes that are cut into blocks by rows, by columns, and a batch of them.
    @Test(arguments: [(1, 1100, 40, 70), (1, 70, 40, 1100), (3, 300, 64, 300), (1, 2, 5000, 600)])
    func largeProductsByBlocks(batch: Int, m: Int, k: Int, n: Int) throws {
        var random = SplitMix64(seed: 13)
        for (left, right) in [(Matrices.Layout.rows, Matrices.Layout.rows), (.columns, .gaps), (.gaps, .columns), (.scattered, .rows)] {
            let a = Matrices(m, k, batch, left, isShared: false, offset: 1, random: &random)
            let b = Matrices(k, n, batch, right, isShared: true, offset: 0, random: &random)
            let c = try buffer([Float](repeating: .nan, count: batch * m * n), on: .cpu)
            try Matmul(batch: batch, m: m, n: n, k: k, isDouble: false).run(
                a.operand(Float.self, on: .cpu), b.operand(Float.self, on: .cpu), into: BufferSlice(c, elementSize: 4), on: .cpu)
            var found = [Float](repeating: 0, count: batch * m * n)
            try found.withUnsafeMutableBytes { try c.download(into: $0) }
            #expect(found.allSatisfy { $0.isFinite })
            for place in stride(from: 0, to: found.count, by: 97) {
                let (p, i, j) = (place / (m * n), place / n % m, place % n)
                let terms = (0..<k).map { a[p, i, $0] * b[p, $0, j] }
                let bound = 1e-6 * terms.reduce(0) { $0 + abs($1) }
                #expect(abs(Double(found[place]) - terms.reduce(0, +)) < bound, "\(left) \(right) at \(p) \(i) \(j)")
            }
        }
    }

    /// Matrices so large that CLBlast takes memory of its own for them: that memory is counted, and the limit holds.
    @Test(.enabled(if: engines.contains(.clblast)), arguments: Device.all.filter(\.isOpenCL))
    func largeProductsByCLBlastTakeCountedMemory(device: Device) throws {
        var random = SplitMix64(seed: 10)
        let (m, k, n) = (600, 700, 650)
        let a = Matrices(m, k, 2, .columns, isShared: false, offset: 3, random: &random)
        let b = Matrices(k, n, 2, .rows, isShared: true, offset: 0, random: &random)
        let (left, right) = (try a.operand(Float.self, on: device), try b.operand(Float.self, on: device))
        let c = BufferSlice(try buffer([Float](repeating: .nan, count: 2 * m * n), on: device), elementSize: 4)
        let product = Matmul(batch: 2, m: m, n: n, k: k, isDouble: false)
        let cost = try Profiler.measure { try product.run(left, right, into: c, on: device, by: .clblast) }.measurement
        #expect(cost.launches == 2 && cost.peakBytes >= 4 * (m * k + k * n) && cost.liveBytes == 0)
        var found = [Float](repeating: 0, count: 2 * m * n)
        try found.withUnsafeMutableBytes { try c.buffer.download(into: $0) }
        for (p, i, j) in [(0, 0, 0), (0, 599, 649), (1, 0, 649), (1, 599, 0), (1, 123, 321)] {
            let terms = (0..<k).map { a[p, i, $0] * b[p, $0, j] }
            let bound = 1e-6 * terms.reduce(0) { $0 + abs($1) }
            #expect(abs(Double(found[(p * m + i) * n + j]) - terms.reduce(0, +)) < bound)
        }
    }
}

/// A buffer that holds some numbers.
func buffer<T: BinaryFloatingPoint & SendableMetatype>(_ values: [T], on device: Device) throws -> Buffer {
    let buffer = try Buffer(byteCount: values.count * MemoryLayout<T>.size, on: device)
    try values.withUnsafeBytes { try buffer.upload($0) }
    return buffer
}
