/// The element type of a tensor's storage.
///
/// The 16-bit floating-point types are storage only: arithmetic on them is done in float32 and rounded to nearest even when stored.
public enum DType: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case float32, float16, bfloat16, float64, int32, int64, uint8, bool

    /// Bytes one element takes in storage.
    public var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16: 2
        case .uint8, .bool: 1
        }
    }

    /// Whether the type holds real numbers, so that it can be differentiated.
    public var isFloatingPoint: Bool {
        switch self {
        case .float32, .float16, .bfloat16, .float64: true
        case .int32, .int64, .uint8, .bool: false
        }
    }

    /// The number that kernels know the type by: its place in the list of cases.
    package var code: Int32 {
        switch self {
        case .float32: 0
        case .float16: 1
        case .bfloat16: 2
        case .float64: 3
        case .int32: 4
        case .int64: 5
        case .uint8: 6
        case .bool: 7
        }
    }

    /// The type's name.
    public var description: String { rawValue }
}
