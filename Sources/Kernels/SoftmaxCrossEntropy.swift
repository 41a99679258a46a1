import CLossKitHost
import LossKitDevice

/// Softmax cross-entropy of float32 logits [rows, classes], its gradient, and the log-partition that both share.
///
/// With target masses q, L the log-partition of the logits z: loss = sum_k q_k (L - z_k) + zLoss L^2 and
/// its gradient (sum q + 2 zLoss L) softmax(z) - q. Class indices y with smoothing s and weights w stand for
/// q_k = (1 - s) w_y [k = y] + s w_k / C; soft targets t for q_k = w_k ((1 - s) t_k + s / C).
package struct SoftmaxCrossEntropy: Sendable {
    package var rows: Int
    package var classes: Int
    package var logits: BufferSlice
    /// int64 class indices; exactly one of labels and targets is given.
    package var labels: BufferSlice?
    package var targets: BufferSlice?
    package var weights: BufferSlice?
    package var ignored: Int
    package var smoothing: Float
    package var zLoss: Float
    /// The sum of the weights, or the number of classes.
    package var weightSum: Float

    package init(
        rows: Int, classes: Int, logits: BufferSlice, labels: BufferSlice?, targets: BufferSlice?, weights: BufferSlice?, ignored: Int,
        smoothing: Float, zLoss: Float, weightSum: Float
    ) {
        self.rows = rows
        self.classes = classes
        self.logits = logits
        self.labels = labels
        self.targets = targets
        self.weights = weights
        self.ignored = ignored
        self.smoothing = smoothing
        self.zLoss = zLoss
        self.weightSum = weightSum
    }

    private var reads: [BufferSlice] { [logits, labels ?? logits, targets ?? logits, weights ?? logits] }

    /// Writes each row's loss, log-partition and weight.
    package func forward(loss: BufferSlice, logPartition: BufferSlice, rowWeight: BufferSlice, on device: Device) throws {
        guard rows > 0 else { return }
        try device.run(
            "cross_entropy_forward", shape: [rows, classes], reads: reads, writes: [loss, logPartition, rowWeight],
            bytes: rows * classes * 4,
            host: { pointers in
                let call = Shared(
                    Call(given: given(pointers), a: pointers.write(0), b: pointers.write(1), c: pointers.write(2)))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: rowsAtOnce) { range in
                    call.value.with { losskit_cross_entropy_forward($0, Int64(range.lowerBound), Int64(range.upperBound), call.a, call.b, call.c) }
                }
            },
            openCL: { encoder in
                try launch("cross_entropy_forward", [.buffer(loss), .buffer(logPartition), .buffer(rowWeight)], on: encoder)
            })
    }

    /// Writes the logits' gradient for a cotangent of each row's loss.
    package func backward(logPartition: BufferSlice, cotangent: BufferSlice, gradient: BufferSlice, on device: Device) throws {
        guard rows > 0 else { return }
        try device.run(
            "cross_entropy_backward", shape: [rows, classes], reads: reads + [logPartition, cotangent], writes: [gradient],
            bytes: 2 * rows * classes * 4,
            host: { pointers in
                let call = Shared(
                    Call(
                        given: given(pointers), a: UnsafeMutablePointer(mutating: pointers.read(4)),
                        b: UnsafeMutablePointer(mutating: pointers.read(5)), c: pointers.write(0)))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: rowsAtOnce) { range in
                    call.value.with { losskit_cross_entropy_backward($0, Int64(range.lowerBound), Int64(range.upperBound), call.a, call.b, call.c) }
                }
            },
            openCL: { encoder in
                try launch("cross_entropy_backward", [.buffer(logPartition), .buffer(cotangent), .buffer(gradient)], on: encoder)
            })
    }

    /// Rows that are worth a dispatch to another thread.
    private var rowsAtOnce: Int { max(1, 1 << 14 / max(classes, 1)) }

    private func given(_ pointers: HostPointers) -> losskit_cross_entropy {
        losskit_cross_entropy(
            classes: Int64(classes), logits: pointers.read(0), labels: labels == nil ? nil : pointers.read(1),
            targets: targets == nil ? nil : pointers.read(2), weights: weights == nil ? nil : pointers.read(3), ignored: Int64(ignored),
            smoothing: smoothing, z_loss: zLoss, weight_sum: weightSum)
    }

    private func launch(_ kernel: String, _ more: [KernelArgument], on encoder: OpenCLEncoder) throws {
        let local = encoder.traits.isCPU ? 1 : classes < 1024 ? 64 : 256
        try encoder.launch(
            kernel, in: "softmax",
            arguments: reads.map { .buffer($0) } + [
                .int32(labels == nil ? 0 : 1), .int32(weights == nil ? 0 : 1), .count(classes), .count(ignored), .float(smoothing),
                .float(zLoss), .float(weightSum),
            ] + more + [.local(bytes: local * 4)],
            global: [rows * local], local: [local])
    }

    private struct Call {
        var given: losskit_cross_entropy
        var a: UnsafeMutablePointer<Float>
        var b: UnsafeMutablePointer<Float>
        var c: UnsafeMutablePointer<Float>
        func with(_ body: (UnsafePointer<losskit_cross_entropy>) -> Void) { withUnsafePointer(to: given, body) }
    }
}
