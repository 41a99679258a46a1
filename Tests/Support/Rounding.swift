import LossKit

extension Double {
    /// The nearest number that a type holds, ties to even.
    public func rounded(to dtype: DType) -> Double {
        switch dtype {
        case .float32: return Double(Float(self))
        case .float16: return Double(Float16(self))
        case .bfloat16:
            let bits = Float(self).bitPattern
            guard Float(bitPattern: bits).isFinite else { return self }
            return Double(Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000))
        case .float64: return self
        case .int32, .int64, .uint8, .bool: return rounded(.towardZero)
        }
    }
}
