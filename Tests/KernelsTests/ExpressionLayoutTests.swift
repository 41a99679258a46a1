import LossKitTestSupport
import Testing

@testable import LossKitKernels

@Suite struct ExpressionLayoutTests {
    /// Every output folds exactly the elements that a walk over the original axes gives it, whatever was merged and reordered.
    @Test(arguments: UInt64(0)..<200) func mergedAxesVisitTheSameElements(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let rank = Int.random(in: 0...5, using: &random)
        let shape = (0..<rank).map { _ in [1, 2, 3, 5, 17].randomElement(using: &random) ?? 1 }
        let reduced = (0..<rank).map { _ in Bool.random(using: &random) }
        let strides = (0..<2).map { _ in
            var stride = 1
            var strides = [Int](repeating: 0, count: rank)
            // Row-major in a shuffled order of axes, or broadcast along some of them.
            for axis in Bool.random(using: &random) ? Array((0..<rank).reversed()) : Array(0..<rank).shuffled(using: &random) {
                strides[axis] = Int.random(in: 0..<4, using: &random) == 0 ? 0 : stride
                stride *= shape[axis]
            }
            return strides
        }
        let space = IterationSpace(ExpressionOperands(leaves: [], strides: strides, constants: [], shape: shape, reduced: reduced))

        var expected: [Int: [[Int]]] = [:]
        for position in 0..<shape.reduce(1, *) {
            let index = Self.index(position, shape)
            let output = zip(index, zip(shape, reduced)).reduce(0) { $1.1.1 ? $0 : $0 * $1.1.0 + $1.0 }
            expected[output, default: []].append(Self.offsets(index, strides))
        }
        var actual: [Int: [[Int]]] = [:]
        for position in 0..<space.count {
            let output = position / (space.length * space.columns) * space.columns + position % space.columns
            actual[output, default: []].append(Self.offsets(Self.index(position, space.shape), space.strides))
        }
        #expect(space.outputCount == expected.count)
        func sorted(_ rows: [[Int]]) -> [[Int]] { rows.sorted { $0.lexicographicallyPrecedes($1) } }
        #expect(actual.mapValues(sorted) == expected.mapValues(sorted))
    }

    /// Whatever a step reads is still the value that the program means.
    @Test(arguments: UInt64(0)..<100) func registersHoldTheirValuesUntilTheLastUse(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var instructions = [Instruction(.leaf, 0), Instruction(.constant, 0)]
        for index in 2..<40 {
            func value() -> Int32 { Int32.random(in: 0..<Int32(index), using: &random) }
            let choices = [
                Instruction(.leaf, 1), Instruction(.constant, 1), Instruction(.negate, value()), Instruction(.add, value(), value()),
                Instruction(.select, value(), value(), value()),
            ]
            instructions.append(choices.randomElement(using: &random) ?? choices[0])
        }
        let program = ExpressionProgram(
            arithmetic: .float32, leaves: [.float32, .float32], constantCount: 2, instructions: instructions, output: .float32)
        let (steps, registerCount, result) = program.allocated()
        var held = [Int32](repeating: -1, count: registerCount)
        for (index, step) in steps.enumerated() {
            for (register, value) in zip([step.a, step.b, step.c], instructions[index].operands) {
                #expect(held[Int(register)] == value, "step \(index)")
            }
            held[Int(step.target)] = Int32(index)
        }
        #expect(held[Int(result)] == Int32(instructions.count - 1))
    }

    private static func index(_ position: Int, _ shape: [Int]) -> [Int] {
        var rest = position
        var index = shape
        for axis in shape.indices.reversed() {
            index[axis] = rest % shape[axis]
            rest /= shape[axis]
        }
        return index
    }

    private static func offsets(_ index: [Int], _ strides: [[Int]]) -> [Int] {
        strides.map { zip($0, index).reduce(0) { $0 + $1.0 * $1.1 } }
    }
}
