import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// What every operation keeps to on every device, for shapes of each class, floating-point type and layout: tried on each by the same
/// machinery, with the operation on the CPU in float64, one step at a time, to compare with.
@Suite struct OperationMatrixTests {
    private static func shapes(_ operation: OperationCase) -> [[Int]] {
        switch operation.shapes {
        case .rank(let least):
            TestShare.of(
                [
                    [], [1], [0], [7], [67], [1025], [1, 1], [5, 3], [13, 17], [33, 65], [3, 0, 2], [2, 3, 5], [2, 1, 3, 2],
                    [2, 2, 1, 3, 2], [2, 1, 2, 2, 1, 3],
                ].filter { $0.count >= least }
            ) { ![[1, 1], [33, 65], [2, 3, 5], [2, 1, 3, 2]].contains($0) }
        case .square: [[1, 1], [5, 5], [2, 7, 7], [0, 3, 3], [17, 17]]
        }
    }

    /// Elements all different, and a second operand of the last extents.
    private func operands(_ shape: [Int], _ dtype: DType, on device: Device, layout: Layout = .contiguous) throws -> [Tensor] {
        var random = SplitMix64(seed: UInt64(shape.count + 7))
        func drawn(_ shape: [Int], _ place: Double) throws -> Tensor {
            let count = shape.reduce(1, *)
            let values = (0..<count).shuffled(using: &random).map { 0.2 + 0.7 * (Double($0) + place) / Double(max(1, count)) }
            return try placed(values.map { dtype.nearest($0) }, shape, dtype, layout, on: device)
        }
        return [try drawn(shape, 0.5), try drawn(Array(shape.suffix(1)), 0.8)]
    }

    private func placed(_ values: [Double], _ shape: [Int], _ dtype: DType, _ layout: Layout, on device: Device) throws -> Tensor {
        let plain = try Tensor(values, shape: shape, on: .cpu)
        func stored(_ tensor: Tensor) throws -> Tensor {
            let tensor = try tensor.packed().evaluated()
            return try Tensor(tensor.array(of: Float.self), shape: tensor.shape, on: device).asType(dtype).evaluated()
        }
        guard dtype != .float64 else { return try Tensor(values, shape: shape, on: device) }
        switch layout {
        case .contiguous, .broadcast: return try stored(plain)
        case .transposed: return try stored(plain.transposed()).transposed()
        case .reversed: return try stored(plain.flipped()).flipped()
        case .stepped:
            guard let last = shape.indices.last else { return try stored(plain) }
            return try stored(Tensor.stack([plain, plain * 0 - 1], axis: shape.count).reshaped(shape.dropLast() + [2 * shape[last]]))
                .slice(axis: last, step: 2)
        case .offset:
            guard !shape.isEmpty else { return try stored(plain) }
            return try stored(plain.padded(axis: 0, before: 1, with: -1)).slice(axis: 0, from: 1)
        }
    }

    private func value(_ operation: OperationCase, _ x: [Tensor]) throws -> Tensor { try operation.function(x[0], x[1]).evaluated() }

    /// Gradients for both operands under a cotangent that differs from element to element.
    private func slopes(_ operation: OperationCase, _ x: [Tensor]) throws -> [Tensor] {
        try gradient(at: x) { x in
            let result = try operation.function(x[0], x[1])
            var random = SplitMix64(seed: 3)
            let weights = try Tensor(random.values(result.count, in: 0.5...1.5).map { Float($0) }, shape: result.shape, on: result.device)
            return try (result * weights.asType(result.dtype)).sum()
        }
    }

    @Test(arguments: Device.all, OperationCase.all)
    func everyTypeAndShapeAgreesWithFloat64(device: Device, operation: OperationCase) throws {
        let dtypes = [DType.float32, .float16, .bfloat16, .float64].filter { $0 != .float64 || device.hasFloat64 }
        for shape in Self.shapes(operation) {
            if shape.contains(0), !operation.hasEmpty {
                let nothing = try operands(shape, .float32, on: device)
                // Of nothing along the axes there is none; of no rows there are no results.
                if let result = try? value(operation, nothing) { #expect(result.count == 0, "\(operation.name) of \(shape)") }
                continue
            }
            for dtype in dtypes {
                let label = "\(operation.name) of \(dtype) \(shape)"
                let given = try operands(shape, dtype, on: device)
                let exact = try given.map { try Tensor($0.array(of: Double.self), shape: $0.shape, on: .cpu) }
                let expected = try Fusion.$mode.withValue(.off) { try value(operation, exact) }
                let actual = try value(operation, given)
                #expect(actual.shape == expected.shape, "\(label)")
                #expect(actual.dtype == (expected.dtype == .float64 ? dtype : expected.dtype), "\(label): \(actual.dtype)")
                try compare(actual, expected, operation, dtype, label)
                guard operation.isDifferentiable, shape.reduce(1, *) < 100 else { continue }
                let slopes = try zip(slopes(operation, given), Fusion.$mode.withValue(.off) { try self.slopes(operation, exact) })
                for (actual, expected) in slopes {
                    #expect(actual.dtype == dtype && actual.shape == expected.shape, "gradient of \(label)")
                    try compare(actual, expected, operation, dtype, "gradient of \(label)")
                }
            }
        }
    }

    private func compare(_ actual: Tensor, _ expected: Tensor, _ operation: OperationCase, _ dtype: DType, _ label: String) throws {
        let numbers = try expected.array(of: Double.self)
        let largest = numbers.reduce(1) { max($0, abs($1.isFinite ? $1 : 0)) }
        // Distances are float32's in every type.
        let unit = max(dtype.ulp(at: 1), label.contains("distances") ? DType.float32.ulp(at: 1) : 0)
        try expectClose(
            actual.array(of: Double.self), numbers, tolerance: operation.condition * unit, scale: numbers.map { _ in largest }, label)
    }

    /// Neither how operands lie in memory, nor how operations run, nor another run changes a bit.
    @Test(arguments: Device.all, OperationCase.all)
    func layoutsFusionAndRepetitionKeepEveryBit(device: Device, operation: OperationCase) throws {
        for shape in Self.shapes(operation) where !shape.contains(0) && shape.reduce(1, *) < 300 {
            func bits(_ layout: Layout, _ mode: Fusion) throws -> [[UInt8]] {
                try Fusion.$mode.withValue(mode) {
                    let given = try operands(shape, .float32, on: device, layout: layout)
                    let slopes = operation.isDifferentiable ? try slopes(operation, given) : []
                    return try ([value(operation, given)] + slopes).map { try $0.packed().evaluated().bits() }
                }
            }
            let plain = try bits(.contiguous, .interpret)
            for (layout, mode) in [
                (Layout.contiguous, Fusion.interpret), (.contiguous, .off), (.transposed, .interpret), (.stepped, .off),
                (.reversed, .interpret), (.offset, .interpret),
            ] {
                let other = try bits(layout, mode)
                #expect(other == plain, "\(operation.name) of \(shape), \(layout), fusion \(mode)")
            }
        }
    }

    @Test(arguments: Device.all, OperationCase.all.filter(\.isDifferentiable))
    func derivativesAgreeWithDifferences(device: Device, operation: OperationCase) throws {
        guard device.hasFloat64 else { return }
        let shape: [Int] = if case .square = operation.shapes { [3, 3] } else { [3, 4] }
        let points = try operands(shape, .float64, on: device)
        // Distances are float32's in every type.
        guard !operation.name.contains("istances") else { return }
        try expectGradient(at: points, tolerance: 1e-6, operation.name) { try operation.function($0[0], $0[1]) }
        guard operation.isTwiceDifferentiable else { return }
        try expectGradient(at: [points[0]], tolerance: 2e-5, "second derivative of \(operation.name)") { x in
            try gradient(at: x[0]) { try operation.function($0, points[1]).square().sum() }
        }
    }
}
