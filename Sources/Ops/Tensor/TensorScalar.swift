import LossKitKernels

/// A Swift type whose values a tensor can be made of and read as.
///
/// `Int` is stored as int64. `BFloat16` has no Swift counterpart: convert with ``Tensor/asType(_:)``.
public protocol TensorScalar: Sendable, Comparable where Self: BitwiseCopyable {
    /// The element type that stores this type bit for bit.
    static var dtype: DType { get }
}

extension Float: TensorScalar {
    /// float32.
    public static var dtype: DType { .float32 }
}

extension Double: TensorScalar {
    /// float64.
    public static var dtype: DType { .float64 }
}

extension Int32: TensorScalar {
    /// int32.
    public static var dtype: DType { .int32 }
}

extension Int64: TensorScalar {
    /// int64.
    public static var dtype: DType { .int64 }
}

extension Int: TensorScalar {
    /// int64.
    public static var dtype: DType { .int64 }
}

extension UInt8: TensorScalar {
    /// uint8.
    public static var dtype: DType { .uint8 }
}

#if !(os(macOS) && arch(x86_64))
extension Float16: TensorScalar {
    /// float16.
    public static var dtype: DType { .float16 }
}
#endif

/// A truth value as one byte, 0 or 1: the storage of ``DType/bool``.
///
/// Swift's `Bool` is not `Comparable` and not promised to be one byte, so masks are read as `TruthValue` or through ``Tensor/booleans()``.
public struct TruthValue: TensorScalar, ExpressibleByBooleanLiteral {
    private let byte: UInt8

    /// The stored form of a truth value.
    public init(_ value: Bool) { byte = value ? 1 : 0 }
    /// The stored form of a literal.
    public init(booleanLiteral value: Bool) { self.init(value) }

    /// The truth value as Swift's own type.
    public var value: Bool { byte != 0 }
    /// bool.
    public static var dtype: DType { .bool }
    /// false comes before true.
    public static func < (lhs: TruthValue, rhs: TruthValue) -> Bool { lhs.byte < rhs.byte }
}
