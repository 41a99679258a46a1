import LossKitKernels

extension DType {
    /// The type that arithmetic on this storage type is done in.
    var arithmetic: ArithmeticType {
        switch self {
        case .float32, .float16, .bfloat16: .float32
        case .float64: .float64
        case .int64: .int64
        case .int32, .uint8, .bool: .int32
        }
    }

    /// Whether a value in the arithmetic type passes through this storage type unchanged,
    /// so that skipping the store cannot be noticed.
    var storesArithmeticExactly: Bool {
        switch self {
        case .float32, .float64, .int32, .int64, .bool: true
        case .float16, .bfloat16, .uint8: false
        }
    }

    private var rank: Int {
        switch self {
        case .bool: 0
        case .uint8: 1
        case .int32: 2
        case .int64: 3
        case .float16, .bfloat16: 4
        case .float32: 5
        case .float64: 6
        }
    }

    /// The common type of two operands: the wider of the two, floating point over integers, float32 for a pair of unlike 16-bit types.
    package static func promoted(_ a: DType, _ b: DType) -> DType {
        if a == b { return a }
        if a.rank == b.rank { return .float32 }
        return a.rank > b.rank ? a : b
    }

    /// The type itself where it is floating point, else float32.
    package var floating: DType { isFloatingPoint ? self : .float32 }
}
