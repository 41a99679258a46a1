import CLossKitHost
import LossKitDevice

extension SoftmaxCrossEntropy {
    /// Bytes a row of what ``stretch(state:isFirst:isLast:into:on:)`` keeps between stretches.
    package static let stateBytes = MemoryLayout<losskit_cross_entropy_part>.stride + 8

    /// Adds logits that are a stretch of all classes to what is known of each row; the last stretch finishes the rows' results.
    ///
    /// Labels must be classes.
    package func stretch(state: BufferSlice, isFirst: Bool, isLast: Bool, into results: Results, on device: Device) throws {
        guard rows > 0 else { return }
        let outputs = [results.loss, results.logPartition, results.mass]
        try device.run(
            "cross_entropy_stretch", shape: [rows, classes], reads: reads, writes: isLast ? outputs : [], updates: [state], bytes: bytes,
            host: { pointers in
                var call = call(options, pointers)
                if isLast {
                    call.loss = pointers.write(0)
                    call.log_partition = pointers.write(1)
                    call.mass = pointers.write(2)
                }
                let parts = pointers.update(0, as: losskit_cross_entropy_part.self)
                call.own = UnsafeMutableRawPointer(parts + rows).assumingMemoryBound(to: Float.self)
                let shared = Shared((call: call, parts: parts))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: Self.rowsAtOnce(classes)) { range in
                    shared.call.with {
                        losskit_cross_entropy_stretch(
                            $0, Int64(range.lowerBound), Int64(range.upperBound), shared.parts, isFirst ? 1 : 0, isLast ? 1 : 0)
                    }
                }
            },
            openCL: { encoder in
                var options = options
                let plan = RowPlan(rows: rows, classes: classes, on: encoder, splits: false)
                plan.apply(to: &options)
                try encoder.launch(
                    "cross_entropy_stretch", in: "linear_cross_entropy", defines: ["LOGITS=\(logitsType.code)"],
                    arguments: operands(options) + ([state] + outputs).map { .buffer($0) } + [
                        .int32(isFirst ? 1 : 0), .int32(isLast ? 1 : 0), .local(bytes: plan.size * 32),
                    ], global: [plan.units * plan.size], local: [plan.size])
            })
    }
}
