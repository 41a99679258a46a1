import CLossKitHost
import LossKitDevice

/// Softmax cross-entropy of hidden weight^T + bias together with its gradients, on the CPU and on OpenCL devices that are CPUs.
///
/// The logits of a block of rows, a few percent of all, are held until the rows' sums are known, become slopes where they lie, and are then
/// multiplied: three products, where one that forgets them computes them a second time. A block walks the weight twice and its gradient
/// once, which must come from memory, so that blocks of fewer rows than one panel of the products would not pay.
package struct LinearCrossEntropyBlocks: Sendable {
    /// Labels (int64, all of them classes), weights, scales, bias and options; its logits are not read.
    package var rows: SoftmaxCrossEntropy
    package var features: Int
    /// float32 [rows, features] and [classes, features].
    package var hidden: BufferSlice
    package var weight: BufferSlice
    /// What the slopes of every row's loss are multiplied with.
    package var cotangent: Float = 1
    /// Tiles of slopes that are all smaller than this, before the rows' own factors, are left out of the products.
    package var threshold: Float?
    private let blockRows: Int

    /// Where gradients go, those that are wanted: [rows, features], [classes, features], [classes].
    package struct Gradients: Sendable {
        package var hidden: BufferSlice?
        package var weight: BufferSlice?
        package var bias: BufferSlice?

        package init(hidden: BufferSlice?, weight: BufferSlice?, bias: BufferSlice?) {
            (self.hidden, self.weight, self.bias) = (hidden, weight, bias)
        }
    }

    /// Tiles of slopes, and how many of them were left out.
    package struct Tiles: Sendable {
        package var count = 0
        package var skipped = 0
    }

    /// Nil where it does not pay or the device has memory of its own.
    package init?(_ rows: SoftmaxCrossEntropy, features: Int, hidden: BufferSlice, weight: BufferSlice, on device: Device) {
        guard device.kind == .cpu || device.kind == .openCLCPU,
            let blockRows = Self.blockRows(rows: rows.rows, classes: rows.classes, features: features)
        else { return nil }
        (self.rows, self.features, self.hidden, self.weight, self.blockRows) = (rows, features, hidden, weight, blockRows)
    }

    /// Rows of a block: all of them if that takes hardly any memory, else as many panels as fit 4.9 % of the logits, but no more than are
    /// worth while.
    private static func blockRows(rows: Int, classes: Int, features: Int) -> Int? {
        let panel = Int(losskit_linear_cross_entropy_panel())
        func bytes(_ count: Int) -> Int {
            Scratch(rows: rows, blockRows: count, classes: classes, features: features, panel: panel).byteCount
        }
        let all = rounded(rows, to: Int(losskit_linear_cross_entropy_lanes()))
        if bytes(all) <= 1 << 18 { return all }
        let limit = rows * classes * 4 / 1000 * 49
        return Swift.stride(from: rounded(256, to: panel), to: 47, by: -panel).first { $0 < rows + panel && bytes($0) <= limit }
    }

    /// Writes the rows' losses, log-partitions and masses, and the gradients of the sum of all losses times ``cotangent``.
    package func run(into results: SoftmaxCrossEntropy.Results, _ gradients: Gradients, on device: Device) throws -> Tiles {
        let (count, classes) = (rows.rows, rows.classes)
        let reads = Array(rows.reads.dropFirst()) + [hidden, weight]
        let wanted = [gradients.hidden, gradients.weight, gradients.bias]
        let writes = [results.loss, results.logPartition, results.mass] + wanted.compactMap { $0 }
        var tiles = Tiles()
        try device.run(
            "linear_cross_entropy", shape: [count, features, classes], reads: reads, writes: writes,
            bytes: 4 * features * (count + classes) * 2, flops: 6 * count * features * classes,
            host: { pointers in
                tiles = try work(
                    reads.indices.map { UnsafeMutableRawPointer(mutating: pointers.rawRead($0)) }, writes.indices.map(pointers.rawWrite),
                    wanted.map { $0 != nil })
            },
            openCL: { encoder in
                try encoder.withHostAccess(to: reads + writes) { pointers in
                    tiles = try work(Array(pointers[..<reads.count]), Array(pointers[reads.count...]), wanted.map { $0 != nil })
                }
            })
        return tiles
    }

    private func work(_ reads: [UnsafeMutableRawPointer], _ writes: [UnsafeMutableRawPointer], _ wanted: [Bool]) throws -> Tiles {
        func floats(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }
        let options = rows.options
        var call = losskit_linear_cross_entropy()
        call.rows.options = options
        call.rows.labels = UnsafeRawPointer(reads[0])
        call.rows.weights = options.has_weights == 0 ? nil : UnsafePointer(floats(reads[2]))
        call.rows.scales = options.has_scales == 0 ? nil : UnsafePointer(floats(reads[3]))
        call.rows.bias = options.has_bias == 0 ? nil : UnsafePointer(floats(reads[4]))
        (call.hidden, call.weight) = (UnsafePointer(floats(reads[5])), UnsafePointer(floats(reads[6])))
        (call.rows.loss, call.rows.log_partition, call.rows.mass) = (floats(writes[0]), floats(writes[1]), floats(writes[2]))
        var gradients = writes.dropFirst(3).map(floats).makeIterator()
        call.hidden_gradient = wanted[0] ? gradients.next() : nil
        call.weight_gradient = wanted[1] ? gradients.next() : nil
        call.bias_gradient = wanted[2] ? gradients.next() : nil
        call.features = Int64(features)
        call.cotangent = cotangent
        call.threshold = threshold ?? 0

        let (lanes, panel) = (Int(losskit_linear_cross_entropy_lanes()), Int(losskit_linear_cross_entropy_panel()))
        let scratch = Scratch(rows: rows.rows, blockRows: blockRows, classes: rows.classes, features: features, panel: panel)
        let memory = try Buffer(byteCount: scratch.byteCount, on: .cpu)
        defer { withExtendedLifetime(memory) {} }
        guard let start = memory.hostPointer else { throw DeviceError.invalidLaunch(kernel: "linear_cross_entropy", problem: "no memory") }
        scratch.lend(start, to: &call, filters: threshold != nil)
        var tiles = Tiles()
        for first in stride(from: 0, to: rows.rows, by: blockRows) {
            let count = min(blockRows, rows.rows - first)
            (call.first, call.count, call.is_first) = (Int64(first), Int64(count), first == 0 ? 1 : 0)
            call.padded = Int64(rounded(count, to: lanes))
            let counted = block(call, panels: (count + panel - 1) / panel)
            tiles.count += counted.count
            tiles.skipped += counted.skipped
        }
        return tiles
    }

    private func block(_ call: losskit_linear_cross_entropy, panels: Int) -> Tiles {
        let shared = Shared(call)
        let tiles = pieces(rows.classes, losskit_linear_tile)
        shared.with(losskit_linear_cross_entropy_pack_features)
        ThreadPool.forEach(pieces(rows.classes, losskit_linear_part)) { part in
            shared.with { losskit_linear_cross_entropy_logits($0, Int64(part), Int64(part + 1)) }
        }
        shared.with(losskit_linear_cross_entropy_finish)
        ThreadPool.forEachChunk(of: tiles, minimumPerChunk: 1) { range in
            shared.with { losskit_linear_cross_entropy_slopes($0, Int64(range.lowerBound), Int64(range.upperBound)) }
        }
        if call.hidden_gradient != nil {
            let groups = pieces(features, losskit_linear_group)
            ThreadPool.forEach(panels * groups) { unit in
                shared.with { losskit_linear_cross_entropy_hidden($0, Int64(unit / groups), Int64(unit % groups)) }
            }
        }
        if call.weight_gradient != nil {
            shared.with(losskit_linear_cross_entropy_pack_rows)
            ThreadPool.forEachChunk(of: tiles, minimumPerChunk: 1) { range in
                shared.with { losskit_linear_cross_entropy_weight($0, Int64(range.lowerBound), Int64(range.upperBound)) }
            }
        }
        let skipped = call.skipped.map { flags in (0..<tiles * panels).count { flags[$0] != 0 } } ?? 0
        return Tiles(count: tiles * panels, skipped: skipped)
    }
}

extension LinearCrossEntropyBlocks {
    /// Multiplies numbers where they lie.
    package static func scale(_ values: BufferSlice, count: Int, by factor: Float, on device: Device) throws {
        func scale(_ pointer: UnsafeMutableRawPointer) {
            let shared = Shared(pointer.assumingMemoryBound(to: Float.self))
            ThreadPool.forEachChunk(of: count, minimumPerChunk: 1 << 16) { range in
                losskit_scale(shared.value, Int64(range.lowerBound), Int64(range.upperBound), factor)
            }
        }
        try device.run(
            "scale", shape: [count], reads: [], writes: [], updates: [values], bytes: 8 * count,
            host: { scale(UnsafeMutableRawPointer($0.update(0, as: UInt8.self))) },
            openCL: { encoder in try encoder.withHostAccess(to: [values]) { scale($0[0]) } })
    }
}

/// How the memory that a block needs is divided; every part begins at a cache line.
private struct Scratch {
    private(set) var byteCount = 0
    private var offsets: [Int] = []

    init(rows: Int, blockRows: Int, classes: Int, features: Int, panel: Int) {
        let (tile, parts) = (losskit_linear_tile, pieces(classes, losskit_linear_part))
        let tiles = pieces(classes, tile)
        let sizes = [
            4 * tiles * tile * blockRows, 4 * rounded(features, to: panel) * blockRows,
            MemoryLayout<losskit_cross_entropy_part>.stride * parts * blockRows, 4 * rows, 4 * blockRows, 4 * blockRows, 4 * blockRows,
            tiles * pieces(blockRows, panel),
        ]
        for size in sizes {
            offsets.append(byteCount)
            byteCount += rounded(size, to: 64)
        }
    }

    func lend(_ start: UnsafeMutableRawPointer, to call: inout losskit_linear_cross_entropy, filters: Bool) {
        func floats(_ index: Int) -> UnsafeMutablePointer<Float> { (start + offsets[index]).assumingMemoryBound(to: Float.self) }
        (call.logits, call.packed) = (floats(0), floats(1))
        call.parts = (start + offsets[2]).assumingMemoryBound(to: losskit_cross_entropy_part.self)
        call.rows.own = floats(3)
        (call.shift, call.factor, call.flat) = (floats(4), floats(5), floats(6))
        call.skipped = filters ? (start + offsets[7]).assumingMemoryBound(to: UInt8.self) : nil
    }
}

private func pieces(_ count: Int, _ size: Int) -> Int { (count + size - 1) / size }
private func rounded(_ count: Int, to multiple: Int) -> Int { pieces(count, multiple) * multiple }

extension Shared<losskit_linear_cross_entropy> {
    fileprivate func with(_ body: (UnsafePointer<losskit_linear_cross_entropy>) -> Void) { withUnsafePointer(to: value, body) }
}
