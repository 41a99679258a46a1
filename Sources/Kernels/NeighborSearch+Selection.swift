import CLossKitHost
import LossKitDevice

extension NeighborSearch {
    /// Of values [rows, m] that lie between some rows of x and all y, the k smallest of each row into `values` and their columns (int32)
    /// into `places`, both [n, k]; of equal ones the first.
    package func select(
        _ block: BufferSlice, rows: Range<Int>, values: BufferSlice, places: BufferSlice, on device: Device
    ) throws {
        guard !rows.isEmpty else { return }
        try device.run(
            "select_nearest", shape: [rows.count, m, k], reads: [block], writes: [], updates: [values, places],
            bytes: 4 * rows.count * (m + 2 * k),
            host: { pointers in
                let candidates = try Candidates(rows: rows.count, k: k)
                defer { withExtendedLifetime(candidates) {} }
                let block = pointers.read(0, as: Float.self)
                let call = Shared(
                    (
                        problem: problem(block, block, candidates), block: block, values: pointers.update(0, as: Float.self),
                        places: pointers.update(1, as: Int32.self)
                    ))
                ThreadPool.forEachChunk(of: rows.count, minimumPerChunk: max(1, 1 << 14 / m)) { chunk in
                    withUnsafePointer(to: call.value.problem) {
                        losskit_neighbors_select(
                            $0, call.value.block, Int64(rows.lowerBound), Int64(chunk.lowerBound), Int64(chunk.upperBound),
                            call.value.values, call.value.places)
                    }
                }
            }, openCL: { encoder in try launchSelection(block, rows: rows, values: values, places: places, on: encoder) })
    }

    func launchSelection(
        _ block: BufferSlice, rows: Range<Int>, values: BufferSlice, places: BufferSlice, on encoder: OpenCLEncoder
    ) throws {
        try encoder.launch(
            "select_nearest", in: "neighbors",
            arguments: [
                .buffer(block), .buffer(values), .buffer(places), .int32(excludesSelf ? 1 : 0), .count(rows.lowerBound), .count(rows.count),
                .count(m), .count(k),
            ], global: [rows.count], local: [min(16, encoder.traits.maxWorkGroupSize)])
    }
}
