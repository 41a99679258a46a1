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
        try device.run(
            "formula", shape: [operands.rows, operands.columns, operands.width],
            reads: operands.slots + (operands.spans.map { [$0.memory] } ?? []),
            writes: [output] + (places.map { [$0] } ?? []),
            bytes: size * (operands.count(program) + operands.rows * max(operands.width, operands.kept)),
            flops: (operands.spans?.pairs ?? operands.rows * operands.columns) * (operands.work(program) + 2 * operands.width),
            host: { pointers in
                try HostFormula(program, operands).run(
                    slots: operands.slots.indices.map { pointers.rawRead($0) }, output: pointers.rawWrite(0),
                    places: places == nil ? nil : pointers.write(1))
            },
            openCL: { encoder in
                try OpenCLFormula(program, operands).run(on: encoder, into: output, places: places)
            })
    }

    /// Whether sums for the rows and for the columns gain by one look at each pair: on the CPU, where pairs cost a product of matrices.
    package static func gainsByBoth(_ program: FormulaProgram, width: Int, columnWidth: Int, on device: Device) -> Bool {
        guard device.kind == .cpu, min(width, columnWidth) >= HostFormula.productExtent else { return false }
        return program.columnTerms.allSatisfy { term in
            switch term {
            case .plain, .scaled: true
            case .difference(_, let row, let column): program.nodes.contains(.squaredDistance(row: row, column: column))
            case .vector: false
            }
        }
    }

    /// For every row its sum into `rows` [rows, width], and for every column its own into `columns` [columns, columnWidth]; for what
    /// ``gainsByBoth(_:width:columnWidth:on:)``, all pairs.
    package static func runBoth(
        _ program: FormulaProgram, _ operands: FormulaOperands, rows: BufferSlice, columns: BufferSlice, on device: Device
    ) throws {
        let size = program.isDouble ? 8 : 4
        try device.run(
            "formula_both", shape: [operands.rows, operands.columns, operands.width], reads: operands.slots, writes: [rows, columns],
            bytes: size * (operands.count(program) + operands.rows * operands.width + operands.columns * operands.columnWidth),
            flops: operands.rows * operands.columns * (operands.work(program) + 2 * operands.width + 2 * operands.columnWidth),
            host: { pointers in
                try HostFormula(program, operands).runBoth(
                    slots: operands.slots.indices.map { pointers.rawRead($0) }, rows: pointers.rawWrite(0), columns: pointers.rawWrite(1))
            },
            openCL: { _ in })
    }
}

extension FormulaOperands {
    /// How many numbers the slots hold.
    fileprivate func count(_ program: FormulaProgram) -> Int {
        zip(program.slots, extents).reduce(0) { total, slot in
            total + slot.1 * (slot.0.side == .shared ? 1 : slot.0.side == .row ? rows : columns)
        }
    }

    /// Operations on a pair, but for what sums take.
    fileprivate func work(_ program: FormulaProgram) -> Int {
        program.nodes.reduce(0) { total, node in
            switch node {
            case .slot, .constant: total
            case .apply: total + 1
            case .total(_, let extent): total + extents[extent]
            case .squaredDistance(let row, _): total + 3 * extents[row]
            case .dot(let row, _): total + 2 * extents[row]
            }
        }
    }
}
