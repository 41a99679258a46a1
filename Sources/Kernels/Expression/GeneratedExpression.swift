import LossKitDevice
import Synchronization

/// The straight-line OpenCL of a fused expression, in place of the interpreter's loop over its steps.
///
/// It is compiled in the background once an expression has done enough work to be worth it, kept on disk, and used when it is ready. Both ways compute each
/// step by the same macro without contraction, so that nobody can tell from the result which one ran.
enum GeneratedExpression {
    /// Elements an expression has to have run over before it is compiled.
    private static let threshold = 1 << 22
    private static let work = Mutex<[ExpressionProgram: Int]>([:])

    /// The program to use now for so many more elements, or nil for the interpreter.
    static func source(
        for program: ExpressionProgram, elements: Int, defines: [String], on encoder: OpenCLEncoder
    ) -> KernelSource? {
        switch Fusion.mode {
        case .off, .interpret: return nil
        case .compile: return source(of: program)
        case .automatic:
            let done = work.withLock { work in
                work[program, default: 0] += elements
                return work[program, default: 0]
            }
            guard done >= threshold else { return nil }
            let source = source(of: program)
            return encoder.prepare(source: source, defines: defines) == .ready ? source : nil
        }
    }

    private static func source(of program: ExpressionProgram) -> KernelSource {
        var lines = [
            "#define GENERATED 1", "#include \"expression.cl\"", "",
            "const T *evaluate(const expression_t *e, __global const uchar **leaves, long at, int n, T (*registers)[WIDTH]) {",
        ]
        for leaf in program.leaves.indices {
            lines += ["    T x\(leaf)[WIDTH];", "    load(e, \(leaf), leaves[\(leaf)], at, n, x\(leaf));"]
        }
        lines += ["    T *out = registers[0];", "    for (int l = 0; l < WIDTH; l++) {"]
        for (index, step) in program.instructions.enumerated() {
            let value: String =
                switch step.opcode {
                case .leaf: "x\(step.a)[l]"
                case .constant: "e->constants[\(step.a)]"
                default: "(T)OP_\(step.opcode.rawValue)(v\(step.a), v\(step.b), v\(step.c))"
                }
            lines.append("        const T v\(index) = \(value);")
        }
        lines += ["        out[l] = v\(program.instructions.count - 1);", "    }", "    return out;", "}", ""]
        let text = lines.joined(separator: "\n")
        return KernelSource(name: "expression generated for \(program.instructions.count) steps", generated: text)
    }
}
