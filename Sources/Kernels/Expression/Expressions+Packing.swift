import LossKitDevice

extension Expressions {
    /// The same values in a space of few enough axes for one launch on the device.
    ///
    /// A launch on an OpenCL device holds so many extents and strides. Leaves over more axes than that are packed, first in the space's order,
    /// so that their axes merge; where leaves repeat along different axes, with the shortest of these repeats written out.
    static func fitted(
        _ space: IterationSpace, _ leaves: [BufferSlice], types: [DType], on device: Device
    ) throws -> (IterationSpace, [BufferSlice]) {
        var (space, leaves) = (space, leaves)
        func isTooWide() -> Bool { space.shape.count > OpenCLExpression.maximumRank(leaves: leaves.count) }
        guard device.isOpenCL, leaves.count > 1, isTooWide() else { return (space, leaves) }

        func pack(_ packed: [(leaf: Int, axes: [Int])]) throws {
            for (leaf, axes) in packed {
                leaves[leaf] = try copied(
                    leaves[leaf], shape: axes.map { space.shape[$0] }, strides: axes.map { space.strides[leaf][$0] }, type: types[leaf],
                    on: device)
            }
            space.replaceStrides(packed)
        }
        try pack(leaves.indices.map { ($0, space.packedAxes(ofLeaf: $0)) })
        while isTooWide(), let merge = space.cheapestMerge {
            try pack(merge.expanded.map { ($0.leaf, space.packedAxes(ofLeaf: $0.leaf, expanding: [$0.axis])) })
        }
        return (space, leaves)
    }

    /// The elements in row-major memory, bit for bit.
    private static func copied(
        _ leaf: BufferSlice, shape: [Int], strides: [Int], type: DType, on device: Device
    ) throws -> BufferSlice {
        let count = shape.reduce(1, *)
        let target = BufferSlice(try Buffer(byteCount: count * type.byteCount, on: device), elementSize: type.byteCount)
        let (bits, arithmetic): (DType, ArithmeticType) =
            switch type.byteCount {
            case 8: (.int64, .int64)
            case 4: (.int32, .int32)
            case 2: (type, .float32)
            default: (.uint8, .int32)
            }
        let program = ExpressionProgram(
            arithmetic: arithmetic, leaves: [bits], constantCount: 0, instructions: [Instruction(.leaf, 0)], output: bits)
        try run(program, ExpressionOperands(leaves: [leaf], strides: [strides], constants: [], shape: shape), into: target, on: device)
        return target
    }
}
