import CLossKitHost
import LossKitDevice

extension Indexing {
    /// Windows [outer, positions, inner, size] along the middle axis of [outer, extent, inner].
    package struct Windows: Sendable {
        package var outer: Int
        package var extent: Int
        package var inner: Int
        package var positions: Int
        package var size: Int
        package var stride: Int
        package var dilation: Int

        package init(outer: Int, extent: Int, inner: Int, positions: Int, size: Int, stride: Int, dilation: Int) {
            (self.outer, self.extent, self.inner) = (outer, extent, inner)
            (self.positions, self.size, self.stride, self.dilation) = (positions, size, stride, dilation)
        }
    }

    /// Adds windows of float32 or float64 where they overlap: each element has one owner and a fixed order.
    package static func fold(_ windows: BufferSlice, _ layout: Windows, into target: BufferSlice, on device: Device) throws {
        let count = layout.outer * layout.extent * layout.inner
        guard count > 0 else { return }
        let numbers = [layout.extent, layout.inner, layout.positions, layout.size, layout.stride, layout.dilation]
        try device.run(
            "fold_windows", shape: [layout.outer, layout.extent, layout.inner, layout.size], reads: [windows], writes: [target],
            bytes: (layout.outer * layout.positions * layout.inner * layout.size + count) * windows.elementSize,
            host: { pointers in
                let call = Shared((windows: pointers.rawRead(0), target: pointers.rawWrite(0)))
                let type = Int32(windows.elementSize == 8 ? losskit_sum_float64 : losskit_sum_float32)
                let n = numbers.map(Int64.init)
                let lines = layout.outer * layout.extent
                ThreadPool.forEachChunk(of: lines, minimumPerChunk: max(1, (1 << 13) / (layout.inner * layout.size))) { chunk in
                    losskit_fold_windows(
                        type, call.value.windows, call.value.target, n[0], n[1], n[2], n[3], n[4], n[5], Int64(chunk.lowerBound),
                        Int64(chunk.upperBound))
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "fold_windows", in: "indexing", defines: ["ELEMENT=\(windows.elementSize)"],
                    arguments: [.buffer(windows), .buffer(target), .count(count)] + numbers.map { .count($0) }, global: [count], local: [64]
                )
            })
    }
}
