import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Elementwise operations over every kind of shape, layout and pair of types against loops over indices.
@Suite struct ElementwiseMatrixTests {
    /// The shape of a second operand that broadcasts with the first: some extents 1, some leading axes missing.
    private func partner(of shape: [Int], using random: inout SplitMix64) -> [Int] {
        let missing = shape.isEmpty ? 0 : Int.random(in: 0...shape.count, using: &random) / 2
        return shape.dropFirst(missing).map { Int.random(in: 0..<3, using: &random) == 0 ? 1 : $0 }
    }

    @Test(arguments: Device.all, Sample.shapes)
    func binariesAgreeWithLoops(device: Device, shape: [Int]) throws {
        let dtypes = Sample.dtypes(on: device)
        let pairs = dtypes.flatMap { a in dtypes.map { (a, $0) } }
        for (number, (first, second)) in pairs.enumerated() {
            let seed = UInt64(number)
            var random = SplitMix64(seed: seed)
            let layouts = (Layout.allCases[number % Layout.allCases.count], Layout.allCases.randomElement(using: &random) ?? .contiguous)
            let a = try Sample(shape: shape, dtype: first, layout: layouts.0, on: device, seed: seed)
            let other = partner(of: shape, using: &random)
            let b = try Sample(shape: other, dtype: second, layout: layouts.1, on: device, seed: seed &+ 77)
            let label = "of \(layouts.0) \(first) \(shape) and \(layouts.1) \(second) \(other), seed \(seed)"
            let common = DType.promoted(first, second)
            func check(_ name: String, _ dtype: DType, _ actual: Tensor, _ function: (Double, Double) -> Double) throws {
                try expectEqual(actual, NaiveArray.combine([a.model, b.model]) { function($0[0], $0[1]) }, dtype, "\(name) \(label)")
            }
            let (x, y) = (a.tensor, b.tensor)
            try check("sum", common, x + y) { $0 + $1 }
            try check("difference", common, y - x) { $1 - $0 }
            try check("product", common, x * y) { $0 * $1 }
            try check("minimum", common, Tensor.minimum(x, y), min)
            try check("maximum", common, Tensor.maximum(x, y), max)
            try check("less", .bool, x .< y) { $0 < $1 ? 1 : 0 }
            try check("equal", .bool, x .== y) { $0 == $1 ? 1 : 0 }
            try check("greater or equal, not", .bool, !(x .>= y)) { $0 >= $1 ? 0 : 1 }
            try check("and", .bool, x .&& y) { $0 != 0 && $1 != 0 ? 1 : 0 }
            try check("or", .bool, x .|| y) { $0 != 0 || $1 != 0 ? 1 : 0 }
            try check("select", common, Tensor.select(x .> y, y, x)) { $0 > $1 ? $1 : $0 }
            try check("chain", common, (x * y + x) - y) { kept(kept($0 * $1, by: common) + $0, by: common) - $1 }
            guard common.isFloatingPoint else { continue }
            try check("half of a number", common, (x + y) * 0.5) { ($0 + $1) / 2 }
        }
    }

    @Test(arguments: Device.all, Sample.shapes)
    func castsAgreeWithLoops(device: Device, shape: [Int]) throws {
        let dtypes = Sample.dtypes(on: device)
        for (number, (from, to)) in dtypes.flatMap({ a in dtypes.map { (a, $0) } }).enumerated() {
            let layout = Layout.allCases[number % Layout.allCases.count]
            let seed = UInt64(number)
            let sample = try Sample(shape: shape, dtype: from, layout: layout, on: device, seed: seed)
            let label = "\(layout) \(from) \(shape) to \(to), seed \(seed)"
            try expectEqual(sample.tensor.asType(to), sample.model, to, label)
            let back = sample.tensor.asType(to).asType(from)
            try expectEqual(back, sample.model.map { kept($0, by: to) }, from, "\(label) and back")
        }
    }
}
