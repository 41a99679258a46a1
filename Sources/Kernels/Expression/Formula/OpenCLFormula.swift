import LossKitDevice

/// A formula's reduction on an OpenCL device, by a kernel that is generated for it: an item owns a row, on a CPU sixteen of them side by
/// side.
struct OpenCLFormula {
    private let program: FormulaProgram
    private let operands: FormulaOperands

    init(_ program: FormulaProgram, _ operands: FormulaOperands) {
        self.program = program
        self.operands = operands
    }

    func run(on encoder: OpenCLEncoder, into output: BufferSlice, places: BufferSlice?) throws {
        guard !program.isDouble || encoder.traits.hasFP64 else {
            throw DeviceError.invalidLaunch(kernel: "formula", problem: "\(encoder.device) has no float64")
        }
        let lanes = encoder.traits.isCPU ? GeneratedFormula.lanesOfCPU : 1
        let blocks = operands.spans?.blocks ?? [FormulaSpans.Block(rows: 0..<operands.rows, first: 0, count: -1)]
        let most = blocks.map { ($0.rows.count + lanes - 1) / lanes }.max() ?? 0
        let wide = encoder.traits.hasFP64 ? 8 : 4
        let hasSums = program.hasVectorTerms
        let sums = try encoder.scratch(byteCount: hasSums ? most * lanes * operands.width * wide : wide)
        let slots = zip(operands.slots, operands.extents).flatMap { [KernelArgument.buffer($0), .count($1)] }
        let constants = operands.constants.map { program.isDouble ? KernelArgument.double($0) : .float(Float($0)) }
        let source = GeneratedFormula.source(of: program)
        let (tile, group) = (encoder.tuned(.formulaTile), encoder.traits.isCPU ? 1 : encoder.tuned(.formulaGroup))
        for block in blocks {
            try encoder.launch(
                "formula", source: source, defines: ["TILE=\(tile)"],
                arguments: slots + constants + [
                    .buffer(output), .buffer(places ?? output), .buffer(BufferSlice(sums, elementSize: wide)),
                    .buffer((operands.spans?.memory ?? output).advanced(by: 2 * block.first)), .count(block.count),
                    .count(block.rows.lowerBound), .count(block.rows.upperBound), .count(operands.columns), .count(operands.width),
                    .count(operands.kept),
                ], global: [(block.rows.count + lanes - 1) / lanes],
                local: [group])
        }
    }
}

extension FormulaProgram {
    /// Whether sums have terms that are no multiples of what belongs to the row alone.
    var hasVectorTerms: Bool {
        guard case .sum(let terms) = reduction else { return false }
        return terms.contains { !isMultiple($0) }
    }

    /// Whether a term's sum over columns is a scalar times what belongs to the row alone.
    func isMultiple(_ term: Term) -> Bool {
        switch term {
        case .plain: true
        case .scaled(_, let slot): slots[slot].side != .column
        case .difference, .vector: false
        }
    }
}
