import CLossKitHost
import LossKitDevice

/// The recursions over all alignments of label sequences with frames: two launches, whatever the number of frames.
package struct Alignment: Sendable {
    private let rows: Int
    private let frames: Int
    private let states: Int
    /// Float32 [frames, rows, states], float32 [rows, states], int32 [rows] twice.
    private let inputs: [BufferSlice]

    /// - Parameters:
    ///   - emissions: [frames, rows, states], the log-probability of each state's class.
    ///   - skips: [rows, states]: 0 where a state may be entered from two before it, else -1e30.
    ///   - lengths: int32 [rows], frames of each row.
    ///   - sizes: int32 [rows], labels of each row.
    package init(
        rows: Int, frames: Int, states: Int, emissions: BufferSlice, skips: BufferSlice, lengths: BufferSlice, sizes: BufferSlice
    ) {
        (self.rows, self.frames, self.states) = (rows, frames, states)
        inputs = [emissions, skips, lengths, sizes]
    }

    /// The negative log-likelihood of each row's labels, above 1e29 where they have no alignment, and what the backward step needs.
    package func forward(alphas: BufferSlice, losses: BufferSlice, on device: Device) throws {
        try run("alignment_forward", reads: [], writes: [alphas, losses], on: device) { call, pointers, begin, end in
            losskit_alignment_forward(call, pointers.write(0), pointers.write(1), begin, end)
        }
    }

    /// The posterior probability of each state at each frame; 0 past a row's end and where it has no alignment.
    package func backward(alphas: BufferSlice, losses: BufferSlice, betas: BufferSlice, posteriors: BufferSlice, on device: Device) throws {
        try run("alignment_backward", reads: [alphas, losses], writes: [betas, posteriors], on: device) { call, pointers, begin, end in
            losskit_alignment_backward(call, pointers.read(4), pointers.read(5), pointers.write(0), pointers.write(1), begin, end)
        }
    }

    private func run(
        _ kernel: String, reads: [BufferSlice], writes: [BufferSlice], on device: Device,
        host: @escaping @Sendable (UnsafePointer<losskit_alignment>, HostPointers, Int64, Int64) -> Void
    ) throws {
        guard rows > 0, frames > 0 else { return }
        try device.run(
            "alignment", shape: [frames, rows, states], reads: inputs + reads, writes: writes, bytes: 8 * frames * rows * states,
            host: { pointers in
                var call = losskit_alignment()
                (call.rows, call.frames, call.states) = (Int64(rows), Int64(frames), Int64(states))
                (call.emissions, call.skips) = (pointers.read(0), pointers.read(1))
                (call.lengths, call.sizes) = (pointers.read(2), pointers.read(3))
                let shared = Shared((call: call, pointers: pointers))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: 1) { chunk in
                    withUnsafePointer(to: shared.value.call) {
                        host($0, shared.value.pointers, Int64(chunk.lowerBound), Int64(chunk.upperBound))
                    }
                }
            },
            openCL: { encoder in
                var group = 1
                if !encoder.traits.isCPU { while group < min(states, 128, encoder.traits.maxWorkGroupSize / 2) { group *= 2 } }
                try encoder.launch(
                    kernel, in: "alignment", defines: encoder.traits.isCPU ? [] : ["ALIGNMENT_GROUP=\(group)"],
                    arguments: (inputs + reads + writes).map { .buffer($0) } + [.count(rows), .count(frames), .count(states)],
                    global: [rows * group], local: [group])
            })
    }
}
