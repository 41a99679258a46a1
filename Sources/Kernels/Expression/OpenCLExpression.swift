import LossKitDevice

/// A fused expression on an OpenCL device, run by the interpreter kernel: one launch.
struct OpenCLExpression {
    private let program: ExpressionProgram
    private let operands: ExpressionOperands
    private let space: IterationSpace
    private let leaves: [BufferSlice]

    /// - Parameter leaves: What is read over the space in place of the operands' leaves.
    init(_ program: ExpressionProgram, _ operands: ExpressionOperands, _ space: IterationSpace, leaves: [BufferSlice]) {
        self.program = program
        self.operands = operands
        self.space = space
        self.leaves = leaves
    }

    /// Extents and strides that `expression_t` holds.
    private static let geometryCount = 54

    /// How many axes a launch over so many leaves may have.
    static func maximumRank(leaves: Int) -> Int { geometryCount / (leaves + 1) }

    func run(on encoder: OpenCLEncoder, into output: BufferSlice) throws {
        let maximumRank = Self.maximumRank(leaves: leaves.count)
        guard space.shape.count <= maximumRank else {
            throw DeviceError.invalidLaunch(kernel: "expression", problem: "more than \(maximumRank) axes that cannot be merged")
        }
        guard program.arithmetic != .float64 || encoder.traits.hasFP64 else {
            throw DeviceError.invalidLaunch(kernel: "expression", problem: "\(encoder.device) has no float64")
        }
        let (steps, registerCount, result) = program.allocated()
        // Few variants, so that few programs are ever compiled.
        let registers = registerCount <= 8 ? 8 : registerCount <= 16 ? 16 : ExpressionProgram.maximumInstructions
        var defines = ["ARITHMETIC=\(program.arithmetic.rawValue)", "REGISTERS=1"]
        let source = GeneratedExpression.source(for: program, elements: space.count, defines: defines, on: encoder)
        if source == nil { defines[1] = "REGISTERS=\(registers)" }
        let kernels = source ?? KernelSource(file: "expression")
        let structure = encoded(steps, result: result)
        let buffers = (0..<ExpressionProgram.maximumLeaves).map { KernelArgument.buffer($0 < leaves.count ? leaves[$0] : output) }
        let width = encoder.traits.isCPU ? 64 : 4

        guard program.reduction != nil else {
            // Small groups on a CPU: every item's registers lie on one thread's stack.
            try encoder.launch(
                "map", source: kernels, defines: defines,
                arguments: [.bytes(structure)] + buffers + [.buffer(output), .count(space.count)],
                global: [(space.count + width - 1) / width], local: [encoder.traits.isCPU ? 8 : 64])
            return
        }
        let local = encoder.traits.isCPU ? 1 : 128
        let groups = space.columns == 1 ? space.outer : space.outer * ((space.columns + width - 1) / width)
        let parts = partCount(groups: groups, encoder.traits)
        let partLength = (max(space.length, 1) + parts - 1) / parts
        let wide = encoder.traits.hasFP64 || program.arithmetic.isInteger ? 8 : 4
        let partials = try encoder.scratch(byteCount: max(1, parts > 1 ? parts * space.outputCount : 1) * wide)
        let arrived = try encoder.zeroedScratch(byteCount: 4 * (parts > 1 ? groups : 1))
        try encoder.launch(
            "fold", source: kernels, defines: defines,
            arguments: [.bytes(structure)] + buffers + [
                .buffer(output), .buffer(BufferSlice(partials, elementSize: wide)), .buffer(BufferSlice(arrived, elementSize: 4)),
                .count(space.outer), .count(space.length), .count(space.columns), .count(parts), .count(partLength),
                encoder.traits.hasFP64 ? .double(operands.scale) : .float(Float(operands.scale)), .local(bytes: local * wide),
            ], global: [groups * parts * local], local: [local])
    }

    /// Enough parts to fill the device, each long enough to be worth a work-group; it depends on sizes and device only.
    private func partCount(groups: Int, _ traits: OpenCLTraits) -> Int {
        let target = traits.computeUnits * (traits.isCPU ? 8 : 16)
        guard groups < target, groups <= 1024 else { return 1 }
        let minimumLength = traits.isCPU ? 8192 / min(space.columns, 64) : 2048
        return max(1, min(target / groups, space.length / minimumLength, 256))
    }

    /// The bytes of `expression_t`.
    private func encoded(_ steps: [AllocatedStep], result: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        func append<T: BitwiseCopyable>(_ value: T) { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }
        let geometry = space.shape + space.strides.joined()
        for index in 0..<Self.geometryCount { append(Int64(index < geometry.count ? geometry[index] : 0)) }
        for index in 0..<ExpressionProgram.maximumConstants {
            let value = index < operands.constants.count ? operands.constants[index] : 0
            switch program.arithmetic {
            case .float32: append(Float(value))
            case .float64: append(value)
            case .int32: append(Int32(truncatingIfNeeded: Int64(exactly: value.rounded(.towardZero)) ?? 0))
            case .int64: append(Int64(exactly: value.rounded(.towardZero)) ?? 0)
            }
        }
        for index in 0..<ExpressionProgram.maximumInstructions {
            guard index < steps.count else {
                append(UInt32(0))
                continue
            }
            let step = steps[index]
            append(
                UInt32(step.opcode.rawValue) | UInt32(step.a) << 7 | UInt32(step.b) << 13 | UInt32(step.c) << 19 | UInt32(step.target) << 25
            )
        }
        for leaf in 0..<ExpressionProgram.maximumLeaves {
            append(UInt8(leaf < program.leaves.count ? program.leaves[leaf].code : 6))
        }
        append(Int32(steps.count))
        append(Int32(space.shape.count))
        append(result)
        append(program.output.code)
        append(program.reduction?.rawValue ?? -1)
        append(Int32(0))
        return bytes
    }
}

extension ArithmeticType {
    var isInteger: Bool { self == .int32 || self == .int64 }
}
