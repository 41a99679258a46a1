/// An instruction with registers in place of values.
package struct AllocatedStep: Sendable, Hashable {
    var opcode: Opcode
    var a: Int32
    var b: Int32
    var c: Int32
    var target: Int32
}

extension ExpressionProgram {
    /// The program on as few registers as its values' lifetimes allow; constants keep theirs, as they are set once for many elements.
    func allocated() -> (steps: [AllocatedStep], registerCount: Int, result: Int32) {
        var lastUse = [Int](repeating: -1, count: instructions.count)
        for (index, instruction) in instructions.enumerated() {
            for value in instruction.operands { lastUse[Int(value)] = index }
        }
        if let last = lastUse.indices.last { lastUse[last] = instructions.count }

        var free: [Int32] = []
        var registerCount: Int32 = 0
        var register = [Int32](repeating: 0, count: instructions.count)
        var steps: [AllocatedStep] = []
        for (index, instruction) in instructions.enumerated() {
            if let reused = instruction.opcode == .constant ? nil : free.popLast() {
                register[index] = reused
            } else {
                register[index] = registerCount
                registerCount += 1
            }
            let operands = instruction.operands.map { register[Int($0)] }
            let isSource = instruction.opcode.arity == 0
            steps.append(
                AllocatedStep(
                    opcode: instruction.opcode, a: isSource ? instruction.a : operands[0], b: operands.count > 1 ? operands[1] : 0,
                    c: operands.count > 2 ? operands[2] : 0, target: register[index]))
            // Freed after the target is chosen: no step writes where it reads.
            for value in Set(instruction.operands) where lastUse[Int(value)] == index && instructions[Int(value)].opcode != .constant {
                free.append(register[Int(value)])
            }
        }
        return (steps, Int(registerCount), register.last ?? 0)
    }
}

extension Instruction {
    /// The values that the instruction reads.
    var operands: [Int32] { Array([a, b, c].prefix(opcode.arity)) }
}
