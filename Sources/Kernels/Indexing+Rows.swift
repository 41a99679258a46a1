import CLossKitHost
import LossKitDevice

extension Indexing {
    /// How indices point into a source [outer, bound, inner]: an index for each element of a result [outer, extent, inner], or for each of
    /// its rows.
    package struct Layout: Sendable {
        package var outer: Int
        package var extent: Int
        package var bound: Int
        package var inner: Int
        package var isPerElement: Bool

        /// Whole rows of `width` elements.
        package static func rows(_ count: Int, of bound: Int, width: Int) -> Layout {
            Layout(outer: 1, extent: count, bound: bound, inner: width, isPerElement: false)
        }

        /// Elements along one axis.
        package static func elements(along axis: Int, of shape: [Int], extent: Int) -> Layout {
            Layout(
                outer: shape[..<axis].reduce(1, *), extent: extent, bound: shape[axis], inner: shape[(axis + 1)...].reduce(1, *),
                isPerElement: true)
        }

        var shape: [Int] { [outer, extent, inner] }
        var count: Int { outer * extent * inner }
    }

    /// Elements of `source` by int64 indices, which must be in range.
    package static func gather(
        _ source: BufferSlice, _ indices: BufferSlice, _ layout: Layout, into target: BufferSlice, on device: Device
    ) throws {
        guard layout.count > 0 else { return }
        try device.run(
            "gather", shape: layout.shape, reads: [source, indices], writes: [target], bytes: 2 * layout.count * source.elementSize,
            host: { layout.host(losskit_gather, $0.rawRead(0), $0.read(1), $0.rawWrite(0), elementSize: source.elementSize) },
            openCL: { try layout.launch("gather", source, indices, target, on: $0) })
    }

    /// Elements to places by int64 indices, which must be in range and name no place twice; other places keep what they hold.
    package static func scatter(
        _ source: BufferSlice, _ indices: BufferSlice, _ layout: Layout, into target: BufferSlice, on device: Device
    ) throws {
        guard layout.count > 0 else { return }
        try device.run(
            "scatter", shape: layout.shape, reads: [source, indices], writes: [], updates: [target],
            bytes: 2 * layout.count * source.elementSize,
            host: {
                layout.host(losskit_scatter, $0.rawRead(0), $0.read(1), $0.update(0, as: UInt8.self), elementSize: source.elementSize)
            },
            openCL: { try layout.launch("scatter", source, indices, target, on: $0) })
    }

    /// int64 indices with the negative ones counted from the end; an ignored one stays as it is.
    ///
    /// Where one is outside `range`, `problem` makes the error of the first from its position and value: the CPU throws it here, on an
    /// OpenCL device it is thrown by whoever reads the result or what is computed from it.
    package static func place(
        indices: BufferSlice, count: Int, in range: Range<Int>, ignoring ignored: Int? = nil, into places: BufferSlice, on device: Device,
        problem: @escaping @Sendable (_ position: Int, _ index: Int) -> any Error
    ) throws {
        guard count > 0 else { return }
        try device.run(
            "place_indices", shape: [count], reads: [indices], writes: [places], bytes: 16 * count,
            host: { pointers in
                let list = pointers.read(0, as: Int64.self)
                let outside = Int(
                    losskit_place_indices(
                        list, Int64(count), Int64(range.lowerBound), Int64(range.upperBound), ignored == nil ? 0 : 1, Int64(ignored ?? 0),
                        pointers.write(0)))
                if outside >= 0 { throw problem(outside, Int(list[outside])) }
            },
            openCL: { encoder in
                let piece = max(64, Int(Double(count).squareRoot()))
                let pieces = (count + piece - 1) / piece
                let outside = BufferSlice(try encoder.scratch(byteCount: 8 * pieces), elementSize: 8)
                let words = BufferSlice(try encoder.scratch(byteCount: 16), elementSize: 8)
                try encoder.launch(
                    "place_indices", in: "indexing", defines: ["ELEMENT=8"],
                    arguments: [
                        .buffer(indices), .buffer(places), .buffer(outside), .count(count), .count(range.lowerBound),
                        .count(range.upperBound), .int32(ignored == nil ? 0 : 1), .count(ignored ?? 0), .count(piece),
                    ],
                    global: [pieces], local: [encoder.traits.isCPU ? 1 : 64])
                try encoder.launch(
                    "first_outside", in: "indexing", defines: ["ELEMENT=8"],
                    arguments: [.buffer(indices), .buffer(outside), .buffer(words), .count(pieces)], global: [1], local: [1])
                try encoder.deferCheck(of: words, for: [places]) { position, index in
                    position < 0 ? nil : problem(Int(position), Int(index))
                }
            })
    }

    /// For int64 indices below `bound` the int32 positions that name each index, in order, and where each index's begin: int64 [bound + 1].
    package static func group(
        _ indices: BufferSlice, count: Int, bound: Int, starts: BufferSlice, order: BufferSlice, on device: Device
    ) throws {
        let sorting = try Sort.Call(dtype: .int64, rows: 1, length: count, descending: false)
        try device.run(
            "group", shape: [count, bound], reads: [indices], writes: [starts, order], bytes: 12 * count + 8 * bound,
            host: { pointers in
                losskit_group(pointers.read(0), Int64(count), Int64(bound), pointers.write(0), pointers.write(1))
            },
            openCL: { encoder in
                if count > 0 { try sorting.launch(indices, into: order, on: encoder) }
                try encoder.launch(
                    "group_starts", in: "indexing", defines: ["ELEMENT=4"],
                    arguments: [.buffer(indices), .buffer(order), .buffer(starts), .count(count), .count(bound)], global: [bound + 1],
                    local: [64])
            })
    }

    /// Rows of `target` [rows, width], each the sum of the rows of `source` that `order` lists for it between its starts.
    ///
    /// Every row has one owner and a fixed order, so the result is the same on every run.
    /// - Parameter dtype: float32, float64 or int64, which wraps.
    package static func sumRows(
        _ source: BufferSlice, dtype: DType, starts: BufferSlice, order: BufferSlice, rows: Int, width: Int, into target: BufferSlice,
        on device: Device
    ) throws {
        guard rows > 0, width > 0 else { return }
        try device.run(
            "sum_rows", shape: [rows, width], reads: [source, starts, order], writes: [target],
            bytes: source.byteCount + rows * width * source.elementSize,
            host: { pointers in
                let call = Shared(
                    (
                        source: pointers.rawRead(0), starts: pointers.read(1, as: Int64.self), order: pointers.read(2, as: Int32.self),
                        target: pointers.rawWrite(0)
                    ))
                let type = Int32(!dtype.isFloatingPoint ? losskit_sum_int64 : dtype == .float64 ? losskit_sum_float64 : losskit_sum_float32)
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: max(1, 1 << 12 / width)) { chunk in
                    let (source, starts, order, target) = call.value
                    losskit_sum_rows(type, source, starts, order, target, Int64(width), Int64(chunk.lowerBound), Int64(chunk.upperBound))
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "sum_rows", in: "indexing", defines: ["ELEMENT=\(source.elementSize)", "INTEGER=\(dtype.isFloatingPoint ? 0 : 1)"],
                    arguments: [.buffer(source), .buffer(starts), .buffer(order), .buffer(target), .count(rows), .count(width)],
                    global: [encoder.traits.isCPU ? rows : rows * width], local: [encoder.traits.isCPU ? 1 : 64])
            })
    }
}

extension Indexing.Layout {
    fileprivate typealias Move =
        @Sendable (
            UnsafeRawPointer?, UnsafePointer<Int64>?, UnsafeMutableRawPointer?, Int32, Int64, Int64, Int64, Int32, Int64, Int64
        ) -> Void

    fileprivate func host(
        _ move: @escaping Move, _ source: UnsafeRawPointer, _ indices: UnsafePointer<Int64>, _ target: UnsafeMutableRawPointer,
        elementSize: Int
    ) {
        let (pointers, layout) = (Shared((source: source, indices: indices, target: target)), self)
        let lines = isPerElement ? count : outer * extent
        ThreadPool.forEachChunk(of: lines, minimumPerChunk: max(1, 1 << 13 / max(1, count / lines))) { chunk in
            let (source, indices, target) = pointers.value
            move(
                source, indices, target, Int32(elementSize), Int64(layout.extent), Int64(layout.bound), Int64(layout.inner),
                layout.isPerElement ? 1 : 0, Int64(chunk.lowerBound), Int64(chunk.upperBound))
        }
    }

    fileprivate func launch(
        _ kernel: String, _ source: BufferSlice, _ indices: BufferSlice, _ target: BufferSlice, on encoder: OpenCLEncoder
    ) throws {
        // A processor divides once for many elements.
        let span = encoder.traits.isCPU ? 4096 : 1
        try encoder.launch(
            kernel, in: "indexing", defines: ["ELEMENT=\(source.elementSize)"],
            arguments: [
                .buffer(source), .buffer(indices), .buffer(target), .count(count), .count(extent), .count(bound), .count(inner),
                .int32(isPerElement ? 1 : 0), .count(span),
            ], global: [(count + span - 1) / span], local: [encoder.traits.isCPU ? 1 : 64])
    }
}
