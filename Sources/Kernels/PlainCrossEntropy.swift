import LossKitDevice

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The cross-entropy that anybody would write first, one work-item a row: what the fused kernels are measured against.
package enum PlainCrossEntropy {
    /// Losses [rows] of float32 logits [rows, classes] and int64 labels, which must be classes, and the gradient of their mean if it is wanted.
    package static func run(
        _ logits: BufferSlice, labels: BufferSlice, rows: Int, classes: Int, loss: BufferSlice, gradient: BufferSlice?, on device: Device
    ) throws {
        try device.run(
            "plain_cross_entropy", shape: [rows, classes], reads: [logits, labels], writes: [loss] + (gradient.map { [$0] } ?? []),
            bytes: (gradient == nil ? 4 : 12) * rows * classes,
            host: { pointers in
                let (logits, labels) = (pointers.read(0, as: Float.self), pointers.read(1, as: Int64.self))
                for row in 0..<rows {
                    let (x, label) = (UnsafeBufferPointer(start: logits + row * classes, count: classes), Int(labels[row]))
                    let maximum = x.max() ?? 0
                    let partition = maximum + log(x.reduce(0) { $0 + exp($1 - maximum) })
                    pointers.write(0)[row] = partition - x[label]
                    guard gradient != nil else { continue }
                    let slope = pointers.write(1, as: Float.self) + row * classes
                    for k in 0..<classes { slope[k] = (exp(x[k] - partition) - (k == label ? 1 : 0)) / Float(rows) }
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "plain_cross_entropy", in: "measure",
                    arguments: [
                        .buffer(logits), .buffer(labels), .buffer(loss), .buffer(gradient ?? loss), .count(rows), .count(classes),
                        .int32(gradient == nil ? 0 : 1),
                    ], global: [rows], local: [encoder.traits.isCPU ? 1 : 64])
            })
    }
}
