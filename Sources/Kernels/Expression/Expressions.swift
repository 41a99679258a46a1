import CLossKitHost
import LossKitDevice

/// Runs fused expressions.
package enum Expressions {
    /// Runs `program` over `operands` into row-major memory, in one launch.
    package static func run(
        _ program: ExpressionProgram, _ operands: ExpressionOperands, into output: BufferSlice, on device: Device
    ) throws {
        let given = IterationSpace(operands)
        guard given.outputCount > 0 else { return }
        let (space, leaves) = try fitted(given, operands.leaves, types: program.leaves, on: device)
        let elements = space.count
        let bytes =
            zip(program.leaves, operands.strides).reduce(0) { total, leaf in
                total + zip(operands.shape, leaf.1).reduce(leaf.0.byteCount) { $1.1 == 0 ? $0 : $0 * max($1.0, 1) }
            } + space.outputCount * program.output.byteCount
        try device.run(
            "expression", shape: operands.shape, reads: leaves, writes: [output], bytes: bytes,
            flops: elements * program.instructions.count { $0.opcode.arity > 0 },
            host: { pointers in
                HostExpression(program, operands, space).run(
                    leaves: leaves.indices.map { pointers.rawRead($0) }, output: pointers.rawWrite(0))
            },
            openCL: { encoder in
                try OpenCLExpression(program, operands, space, leaves: leaves).run(on: encoder, into: output)
            })
    }
}
