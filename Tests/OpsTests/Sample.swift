import LossKitDevice
import LossKitKernels
import LossKitTestSupport

@testable import LossKitOps

/// How a sample's elements lie in memory.
enum Layout: String, CaseIterable, Sendable {
    case contiguous, transposed, stepped, reversed, broadcast, offset
}

/// A tensor of a shape, type and layout beside the naive array that it should equal; all of it follows from the seed.
struct Sample {
    let tensor: Tensor
    let model: NaiveArray

    static let shapes: [[Int]] = [
        [], [0], [1], [7], [67], [1025], [1, 1], [5, 3], [13, 17], [3, 0, 2], [2, 3, 5], [4, 1, 33], [2, 1, 3, 2], [2, 2, 1, 3, 2],
        [2, 1, 2, 2, 1, 3],
        [2, 3, 1, 2, 2, 2],
    ]

    /// Types that a device can hold.
    static func dtypes(on device: Device) -> [DType] {
        DType.allCases.filter { $0 != .float64 || device.hasFloat64 }
    }

    init(shape: [Int], dtype: DType, layout: Layout, on device: Device, seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var stored = shape
        var repeated = [Bool](repeating: false, count: shape.count)
        switch layout {
        case .contiguous: break
        case .transposed: stored.reverse()
        case .stepped, .reversed: stored = shape.map { $0 * 2 }
        case .broadcast:
            repeated = shape.map { _ in Bool.random(using: &random) }
            stored = zip(shape, repeated).map { $1 && $0 > 0 ? 1 : $0 }
        case .offset: stored = shape.map { $0 + 1 }
        }
        // Quarters are exact in every floating-point type, and so are their products.
        let values = (0..<stored.reduce(1, *)).map { _ -> Double in
            let quarters = Int.random(in: -12...12, using: &random)
            switch dtype {
            case .bool: return quarters > 0 ? 1 : 0
            case .uint8: return Double(abs(quarters) / 4)
            case .int32, .int64: return Double(quarters / 4)
            default: return Double(quarters) / 4
            }
        }
        var tensor = try Tensor(values.map { Float($0) }, shape: stored, on: device).asType(dtype).evaluated()
        var model = NaiveArray(shape: stored, values: values)
        switch layout {
        case .contiguous: break
        case .transposed:
            tensor = try tensor.transposed()
            model = model.transposed(Array(shape.indices.reversed()))
        case .stepped, .reversed:
            for axis in shape.indices {
                let step = layout == .stepped ? 2 : -2
                tensor = try tensor.slice(axis: axis, step: step)
                model = model.stepped(axis: axis, by: step)
            }
        case .broadcast:
            tensor = try tensor.broadcast(to: shape)
            model = model.broadcast(to: shape)
        case .offset:
            for axis in shape.indices { tensor = try tensor.slice(axis: axis, from: 1) }
            let inner = model
            model = NaiveArray(shape: shape) { index in inner[index.map { $0 + 1 }] }
        }
        self.tensor = tensor
        self.model = model
    }
}

/// What a type keeps of a number that was computed exactly.
func kept(_ value: Double, by dtype: DType) -> Double {
    switch dtype {
    case .bool: value == 0 ? 0 : 1
    case .uint8: Double(UInt8(truncatingIfNeeded: Int(value)))
    case .int32: Double(Int32(truncatingIfNeeded: Int(value)))
    case .int64: Double(Int(value))
    default: dtype.nearest(value)
    }
}
