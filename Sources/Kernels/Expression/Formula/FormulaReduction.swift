import LossKitDevice

/// Runs reductions of formulas.
package enum FormulaReduction {
    /// For every row the reduction over all columns into `output` [rows, width], or for what keeps values into [rows, kept], with their
    /// columns as int32 into `places`, -1 where there are fewer.
    package static func run(
        _ program: FormulaProgram, _ operands: FormulaOperands, into output: BufferSlice, places: BufferSlice? = nil, on device: Device
    ) throws {
        guard operands.rows > 0, operands.width > 0, operands.kept > 0 else { return }
        let size = program.isDouble ? 8 : 4
        let read = zip(program.slots, operands.extents).reduce(0) { total, slot in
            total + slot.1 * (slot.0.side == .shared ? 1 : slot.0.side == .row ? operands.rows : operands.columns)
        }
        let work = program.nodes.reduce(0) { total, node in
            switch node {
            case .slot, .constant: total
            case .apply: total + 1
            case .total(_, let extent): total + operands.extents[extent]
            case .squaredDistance(let row, _): total + 3 * operands.extents[row]
            case .dot(let row, _): total + 2 * operands.extents[row]
            }
        }
        try device.run(
            "formula", shape: [operands.rows, operands.columns, operands.width],
            reads: operands.slots + (operands.spans.map { [$0.memory] } ?? []),
            writes: [output] + (places.map { [$0] } ?? []),
            bytes: size * (read + operands.rows * max(operands.width, operands.kept)),
            flops: (operands.spans?.pairs ?? operands.rows * operands.columns) * (work + 2 * operands.width),
            host: { pointers in
                try HostFormula(program, operands).run(
                    slots: operands.slots.indices.map { pointers.rawRead($0) }, output: pointers.rawWrite(0),
                    places: places == nil ? nil : pointers.write(1))
            },
            openCL: { encoder in
                try OpenCLFormula(program, operands).run(on: encoder, into: output, places: places)
            })
    }
}
