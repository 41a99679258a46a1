import CLossKitHost
import LossKitDevice

/// Softmax of rows of float32 or 16-bit logits, or its logarithm.
package struct Softmax: Sendable {
    package var rows: Int
    package var classes: Int
    package var type: DType
    package var isLogarithm: Bool

    package init(rows: Int, classes: Int, type: DType, isLogarithm: Bool) {
        self.rows = rows
        self.classes = classes
        self.type = type
        self.isLogarithm = isLogarithm
    }

    private var bytes: Int { rows * classes * type.byteCount }

    package func forward(_ logits: BufferSlice, into out: BufferSlice, on device: Device) throws {
        guard rows > 0, classes > 0 else { return }
        try device.run(
            "softmax_forward", shape: [rows, classes], reads: [logits], writes: [out], bytes: 2 * bytes,
            host: { pointers in
                let (call, type, flag, classes) = (Shared((x: pointers.rawRead(0), y: pointers.rawWrite(0))), type.code, flag, Int64(classes))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: SoftmaxCrossEntropy.rowsAtOnce(self.classes)) { range in
                    losskit_softmax_forward(call.x, type, flag, classes, Int64(range.lowerBound), Int64(range.upperBound), call.y)
                }
            },
            openCL: { encoder in
                let call = SoftmaxCrossEntropy(rows: rows, classes: classes, logits: logits, type: type, targets: .none)
                try launch("softmax_forward", call, { call.operands($0) + [.buffer(out)] }, on: encoder)
            })
    }

    /// Writes the logits' gradient, from the result and its cotangent.
    package func backward(_ result: BufferSlice, cotangent: BufferSlice, into gradient: BufferSlice, on device: Device) throws {
        guard rows > 0, classes > 0 else { return }
        try device.run(
            "softmax_backward", shape: [rows, classes], reads: [result, cotangent], writes: [gradient], bytes: 3 * bytes,
            host: { pointers in
                let call = Shared((y: pointers.rawRead(0), g: pointers.rawRead(1), out: pointers.rawWrite(0)))
                let (type, flag, classes) = (type.code, flag, Int64(classes))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: SoftmaxCrossEntropy.rowsAtOnce(self.classes)) { range in
                    losskit_softmax_backward(call.y, call.g, type, flag, classes, Int64(range.lowerBound), Int64(range.upperBound), call.out)
                }
            },
            openCL: { encoder in
                let call = SoftmaxCrossEntropy(rows: rows, classes: classes, logits: result, type: type, targets: .none)
                try launch(
                    "softmax_backward", call,
                    { [call.encoded($0), .buffer(result), .buffer(cotangent), .buffer(gradient)] }, on: encoder)
            })
    }

    private var flag: Int32 { isLogarithm ? 1 : 0 }

    private func launch(
        _ kernel: String, _ call: SoftmaxCrossEntropy, _ arguments: (losskit_cross_entropy_options) -> [KernelArgument],
        on encoder: OpenCLEncoder
    ) throws {
        var options = call.options
        let plan = RowPlan(rows: rows, classes: classes, on: encoder, splits: false)
        plan.apply(to: &options)
        try encoder.launch(
            kernel, in: "softmax_rows", defines: ["LOGITS=\(type.code)"],
            arguments: arguments(options) + [.int32(flag), .local(bytes: plan.size * 32)], global: [plan.units * plan.size],
            local: [plan.size])
    }
}
