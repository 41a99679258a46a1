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

    /// What this type keeps of a constant in its arithmetic type.
    func rounded(_ value: Double) -> Double {
        switch self {
        case .float16: Self.rounded(value, fractionBits: 10, leastExponent: -14, greatest: 65504)
        case .bfloat16: Self.rounded(value, fractionBits: 7, leastExponent: -126, greatest: 0x1.FEp127)
        case .uint8: Int64(exactly: value.rounded(.towardZero)).map { Double(UInt8(truncatingIfNeeded: $0)) } ?? 0
        case .float32, .float64, .int32, .int64, .bool: value
        }
    }

    /// To the nearest of a format's numbers, by way of float32 as memory does; halves to even.
    private static func rounded(_ value: Double, fractionBits: Int, leastExponent: Int, greatest: Double) -> Double {
        let single = Double(Float(value))
        guard single.isFinite, single != 0 else { return single }
        let quantum = Double(sign: .plus, exponent: Swift.max(Int(single.exponent), leastExponent) - fractionBits, significand: 1)
        let nearest = (single / quantum).rounded(.toNearestOrEven) * quantum
        return abs(nearest) > greatest ? (nearest < 0 ? -.infinity : .infinity) : nearest
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

extension Tensor {
    /// The same values in the type that rows of them are worked on in: float64 stays, any other floating-point type is float32.
    package func inArithmetic() -> Tensor { asType(dtype == .float64 ? .float64 : .float32) }

    /// A zero of the type that those of two tensors promote to.
    package static func commonSample(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        try zeros([], dtype: DType.promoted(a.checked().dtype, b.checked().dtype), on: a.device)
    }
}
