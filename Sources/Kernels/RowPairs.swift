import CLossKitHost
import LossKitDevice

/// What becomes of each row's float32 values v_ij over the columns that its mask selects, for blocks of rows.
///
/// The mask is taken from labels on the fly. With u = scale v + shift_i: log sum exp u, a sum of f(u), or the column where v is extreme.
package struct RowPairs: Sendable {
    /// What is done with the selected columns of a row.
    package enum Reduction: Int32, Sendable {
        case logSumExp = 0
        case identity, softplus, hinge, squaredHinge, largest, smallest
    }

    /// Which columns a row's label selects.
    package enum Selection: Int32, Sendable {
        case all = 0
        case same, different
    }

    package var reduction: Reduction
    package var selection = Selection.all
    /// Whether column i is left out of row i.
    package var excludesSelf = false
    package var scale: Float = 1
    package var columns: Int
    /// int32, one for each row and one for each column, where the selection needs them.
    package var rowLabels: BufferSlice?
    package var columnLabels: BufferSlice?
    /// One for each row: what is added to scale v, and the bounds within which v must lie.
    package var shift: BufferSlice?
    package var lower: BufferSlice?
    package var upper: BufferSlice?

    package init(_ reduction: Reduction, columns: Int) {
        self.reduction = reduction
        self.columns = columns
    }

    /// out[i] and slope[i] for the rows of a block of values: the reduction, and the sum of f'(u).
    package func reduce(_ values: BufferSlice, rows: Range<Int>, into out: BufferSlice, slope: BufferSlice, on device: Device) throws {
        try run(
            "pairs_reduce", values, rows: rows, updates: [out, slope], on: device,
            host: { pointers, problem, values in
                let call = Shared((problem, values, pointers.update(0, as: Float.self), pointers.update(1, as: Float.self)))
                share(rows) { begin, end in
                    let (problem, values, out, slope) = call.value
                    withUnsafePointer(to: problem) { losskit_row_pairs_reduce($0, values, begin, end, out, slope) }
                }
            }, kernel: "reduce", arguments: { [.buffer(out), .buffer(slope), .local(bytes: 8 * $0)] })
    }

    /// places[i] for the rows of a block: the first column where v is extreme, int32; -1 where no column is selected.
    package func extremes(_ values: BufferSlice, rows: Range<Int>, into places: BufferSlice, on device: Device) throws {
        try run(
            "pairs_extremes", values, rows: rows, updates: [places], on: device,
            host: { pointers, problem, values in
                let call = Shared((problem, values, pointers.update(0, as: Int32.self)))
                share(rows) { begin, end in
                    let (problem, values, places) = call.value
                    withUnsafePointer(to: problem) { losskit_row_pairs_extremes($0, values, begin, end, places) }
                }
            }, kernel: "extremes", arguments: { [.buffer(places), .local(bytes: 8 * $0)] })
    }

    /// weight [rows, columns]: the derivative of sum_i cotangent_i out_i with respect to v.
    package func weights(
        _ values: BufferSlice, rows: Range<Int>, out: BufferSlice, cotangent: BufferSlice, into weight: BufferSlice, on device: Device
    ) throws {
        let optional = operands(values).count
        try run(
            "pairs_weights", values, rows: rows, reads: [out, cotangent], writes: [weight], on: device,
            host: { pointers, problem, values in
                let call = Shared(
                    (
                        problem, values, pointers.read(optional, as: Float.self), pointers.read(optional + 1, as: Float.self),
                        pointers.write(0, as: Float.self)
                    ))
                share(rows) { begin, end in
                    let (problem, values, out, cotangent, weight) = call.value
                    withUnsafePointer(to: problem) { losskit_row_pairs_weights($0, values, out, cotangent, begin, end, weight) }
                }
            }, kernel: "weights", arguments: { _ in [.buffer(out), .buffer(cotangent), .buffer(weight)] })
    }

    /// The values and whatever the mask needs, in the order of the kernels' arguments; the values stand in for what there is not.
    private func operands(_ values: BufferSlice) -> [BufferSlice] {
        [values] + [rowLabels, columnLabels, shift, lower, upper].map { $0 ?? values }
    }

    private func share(_ rows: Range<Int>, _ body: @escaping @Sendable (_ begin: Int64, _ end: Int64) -> Void) {
        ThreadPool.forEachChunk(of: rows.count, minimumPerChunk: max(1, 1 << 13 / max(1, columns))) { chunk in
            body(Int64(rows.lowerBound + chunk.lowerBound), Int64(rows.lowerBound + chunk.upperBound))
        }
    }

    private func run(
        _ name: StaticString, _ values: BufferSlice, rows: Range<Int>, reads: [BufferSlice] = [], writes: [BufferSlice] = [],
        updates: [BufferSlice] = [], on device: Device,
        host: (HostPointers, losskit_row_pairs, UnsafePointer<Float>) -> Void, kernel: String, arguments: (Int) -> [KernelArgument]
    ) throws {
        guard !rows.isEmpty else { return }
        let operands = operands(values)
        try device.run(
            name, shape: [rows.count, columns], reads: operands + reads, writes: writes, updates: updates,
            bytes: 4 * rows.count * columns * (1 + writes.count), flops: 8 * rows.count * columns,
            host: { pointers in
                host(
                    pointers,
                    losskit_row_pairs(
                        reduction: reduction.rawValue, selection: selection.rawValue, excludes_self: excludesSelf ? 1 : 0, scale: scale,
                        first: Int64(rows.lowerBound), m: Int64(columns), row_labels: rowLabels.map { _ in pointers.read(1) },
                        column_labels: columnLabels.map { _ in pointers.read(2) }, shift: shift.map { _ in pointers.read(3) },
                        lower: lower.map { _ in pointers.read(4) }, upper: upper.map { _ in pointers.read(5) }), pointers.read(0))
            },
            openCL: { encoder in
                let local = encoder.traits.isCPU ? 1 : min(128, encoder.traits.maxWorkGroupSize)
                let width = 1 << (Int.bitWidth - 1 - local.leadingZeroBitCount)
                try encoder.launch(
                    kernel, in: "row_pairs",
                    arguments: [encoded(rows)] + operands.map { .buffer($0) } + arguments(width), global: [rows.count * width],
                    local: [width])
            })
    }

    /// The options as the kernels take them.
    private func encoded(_ rows: Range<Int>) -> KernelArgument {
        let flags = [shift, lower, upper].enumerated().reduce(Int32(0)) { $0 | ($1.element == nil ? 0 : 1 << Int32($1.offset)) }
        var bytes: [UInt8] = []
        for count in [rows.lowerBound, rows.count, columns] { withUnsafeBytes(of: Int64(count)) { bytes += $0 } }
        for value in [reduction.rawValue, selection.rawValue, excludesSelf ? 1 : 0, flags, Int32(bitPattern: scale.bitPattern), 0] {
            withUnsafeBytes(of: value) { bytes += $0 }
        }
        return .bytes(bytes)
    }
}
