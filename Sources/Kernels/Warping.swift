import CLossKitHost
import LossKitDevice

/// The recursions of dynamic time warping over tables of costs: one launch each way, whatever the lengths.
package struct Warping: Sendable {
    private let batch: Int
    private let n: Int
    private let m: Int
    private let gamma: Float

    /// - Parameters:
    ///   - batch: Tables [n, m], n and m at least 1.
    ///   - gamma: How soft the minimum is; 0 for the minimum itself.
    package init(batch: Int, n: Int, m: Int, gamma: Double) {
        (self.batch, self.n, self.m, self.gamma) = (batch, n, m, Float(gamma))
    }

    /// Sums of costs up to each cell, float32 [batch, n, m], and those of whole paths [batch].
    package func forward(costs: BufferSlice, table: BufferSlice, distances: BufferSlice, on device: Device) throws {
        try run("warping_forward", reads: [costs], writes: [table, distances], on: device) { call, pointers, begin, end in
            losskit_warping_forward(call, pointers.read(0), pointers.write(0), pointers.write(1), begin, end)
        }
    }

    /// The weight of paths through each cell, float32 [batch, n, m].
    package func backward(table: BufferSlice, visits: BufferSlice, on device: Device) throws {
        try run("warping_backward", reads: [table], writes: [visits], on: device) { call, pointers, begin, end in
            losskit_warping_backward(call, pointers.read(0), pointers.write(0), begin, end)
        }
    }

    private func run(
        _ kernel: String, reads: [BufferSlice], writes: [BufferSlice], on device: Device,
        host: @escaping @Sendable (UnsafePointer<losskit_warping>, HostPointers, Int64, Int64) -> Void
    ) throws {
        guard batch > 0 else { return }
        try device.run(
            "warping", shape: [batch, n, m], reads: reads, writes: writes, bytes: 8 * batch * n * m,
            host: { pointers in
                let shared = Shared((call: losskit_warping(n: Int64(n), m: Int64(m), gamma: gamma), pointers: pointers))
                ThreadPool.forEachChunk(of: batch, minimumPerChunk: 1) { chunk in
                    withUnsafePointer(to: shared.value.call) {
                        host($0, shared.value.pointers, Int64(chunk.lowerBound), Int64(chunk.upperBound))
                    }
                }
            },
            openCL: { encoder in
                var group = 1
                if !encoder.traits.isCPU { while group < min(n, m, 256, encoder.traits.maxWorkGroupSize / 2) { group *= 2 } }
                try encoder.launch(
                    kernel, in: "warping", defines: ["WARPING_GROUP=\(group)"],
                    arguments: (reads + writes).map { .buffer($0) } + [.float(gamma), .count(batch), .count(n), .count(m)],
                    global: [batch * group], local: [group])
            })
    }
}
