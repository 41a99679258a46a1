import CLossKitHost
import LossKitDevice

/// Hinges of triplets for blocks of rows of float32 values v_ij: row i's positives p have its label, its negatives n another.
///
/// Batch-all: sum over p and n of max(0, v_ip - v_in + margin), in O(m log c) for c positives, never in O(m c). Semi-hard: over p, with the
/// smallest v_in above v_ip, or where there is none the largest v_in.
package struct RowTriplets: Sendable {
    package var columns: Int
    package var isSemiHard: Bool
    package var excludesSelf: Bool
    package var margin: Float
    /// int32, one for each row and one for each column.
    package var rowLabels: BufferSlice
    package var columnLabels: BufferSlice

    package init(
        columns: Int, isSemiHard: Bool, excludesSelf: Bool, margin: Float, rowLabels: BufferSlice, columnLabels: BufferSlice
    ) {
        self.columns = columns
        self.isSemiHard = isSemiHard
        self.excludesSelf = excludesSelf
        self.margin = margin
        self.rowLabels = rowLabels
        self.columnLabels = columnLabels
    }

    /// Of each row of a block the sum, how many of its hinges are above 0, and how many triplets it has.
    package func sums(
        _ values: BufferSlice, rows: Range<Int>, into out: BufferSlice, active: BufferSlice, looked: BufferSlice, on device: Device
    ) throws {
        try run("triplet_sums", values, rows: rows, cotangent: nil, results: [out, active, looked], weight: nil, on: device)
    }

    /// weight [rows, columns]: the derivative of sum_i cotangent_i out_i with respect to v.
    package func weights(
        _ values: BufferSlice, rows: Range<Int>, cotangent: BufferSlice, into weight: BufferSlice, on device: Device
    ) throws {
        try run("triplet_weights", values, rows: rows, cotangent: cotangent, results: [], weight: weight, on: device)
    }

    private func run(
        _ name: StaticString, _ values: BufferSlice, rows: Range<Int>, cotangent: BufferSlice?, results: [BufferSlice],
        weight: BufferSlice?, on device: Device
    ) throws {
        guard !rows.isEmpty else { return }
        try device.run(
            name, shape: [rows.count, columns], reads: [values, rowLabels, columnLabels, cotangent ?? values],
            writes: weight.map { [$0] } ?? [], updates: results, bytes: 4 * rows.count * columns * (weight == nil ? 1 : 2),
            flops: 8 * rows.count * columns,
            host: { pointers in
                let problem = losskit_triplets(
                    semi_hard: isSemiHard ? 1 : 0, excludes_self: excludesSelf ? 1 : 0, margin: margin, first: Int64(rows.lowerBound),
                    m: Int64(columns), row_labels: pointers.read(1), column_labels: pointers.read(2))
                let call = Shared(
                    (
                        problem: problem, values: pointers.read(0, as: Float.self),
                        cotangent: cotangent.map { _ in pointers.read(3, as: Float.self) },
                        results: results.indices.map { pointers.update($0, as: Float.self) },
                        weight: weight.map { _ in pointers.write(0, as: Float.self) }
                    ))
                let columns = columns
                ThreadPool.forEachChunk(of: rows.count, minimumPerChunk: max(1, 1 << 12 / max(1, columns))) { chunk in
                    let (begin, end) = (Int64(rows.lowerBound + chunk.lowerBound), Int64(rows.lowerBound + chunk.upperBound))
                    let (problem, values, cotangent, results, weight) = call.value
                    withUnsafeTemporaryAllocation(of: Double.self, capacity: 3 * (columns + 1)) { memory in
                        withUnsafePointer(to: problem) {
                            losskit_triplets_rows(
                                $0, values, cotangent, begin, end, results.first, results.isEmpty ? nil : results[1],
                                results.isEmpty ? nil : results[2], weight, memory.baseAddress)
                        }
                    }
                }
            },
            openCL: { encoder in
                let memory = BufferSlice(try encoder.scratch(byteCount: 12 * rows.count * (columns + 1)), elementSize: 4)
                let written = results.isEmpty ? [memory, memory, memory] : results
                try encoder.launch(
                    "triplets", in: "row_pairs",
                    arguments: ([values, rowLabels, columnLabels, cotangent ?? values] + written + [weight ?? memory, memory]).map {
                        .buffer($0)
                    } + [
                        .int32(isSemiHard ? 1 : 0), .int32(excludesSelf ? 1 : 0), .int32(weight == nil ? 0 : 1), .float(margin),
                        .count(rows.lowerBound), .count(rows.count), .count(columns),
                    ], global: [rows.count], local: [min(16, encoder.traits.maxWorkGroupSize)])
            })
    }
}
