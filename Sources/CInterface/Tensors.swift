import LossKit

/// What a `losskit_tensor` points to.
final class TensorHandle {
    let tensor: Tensor

    init(_ tensor: Tensor) { self.tensor = tensor }

    /// The tensor, to be released by `losskit_tensor_free`.
    static func retained(_ tensor: Tensor) -> OpaquePointer { OpaquePointer(Unmanaged.passRetained(TensorHandle(tensor)).toOpaque()) }

    static func tensor(_ pointer: OpaquePointer?, _ name: String, _ operation: String) throws -> Tensor {
        Unmanaged<TensorHandle>.fromOpaque(UnsafeRawPointer(try present(pointer, name, operation))).takeUnretainedValue().tensor
    }
}

extension DType {
    /// The type of a number of `losskit.h`.
    init(code: Int32, _ operation: String) throws {
        guard let found = DType.allCases.first(where: { $0.code == code }) else {
            let names = DType.allCases.map { "\($0.code) for \($0)" }.joined(separator: ", ")
            throw TensorError.invalidArgument(operation: operation, expected: "a dtype: \(names)", actual: "\(code)")
        }
        self = found
    }
}

/// Extents that C states as a count and an address.
func extents(_ rank: Int, _ shape: UnsafePointer<Int64>?, _ operation: String) throws -> [Int] {
    guard (0...64).contains(rank) else {
        throw TensorError.invalidArgument(operation: operation, expected: "a rank of 0 to 64", actual: "\(UInt(bitPattern: rank))")
    }
    guard rank > 0 else { return [] }
    return UnsafeBufferPointer(start: try present(shape, "shape", operation), count: rank).map { Int($0) }
}

/// A tensor of copied data.
@_cdecl("losskit_tensor_create")
public func createTensor(
    _ data: UnsafeRawPointer?, _ dtype: Int32, _ rank: Int, _ shape: UnsafePointer<Int64>?, _ label: UnsafePointer<CChar>?,
    _ tensor: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    call {
        let operation = "losskit_tensor_create"
        let result = try present(tensor, "tensor", operation)
        let dtype = try DType(code: dtype, operation)
        let shape = try extents(rank, shape, operation)
        let count = try Shape.checkedCount(shape, operation: operation) * dtype.byteCount
        let bytes = UnsafeRawBufferPointer(start: count == 0 ? nil : try present(data, "data", operation), count: count)
        result.pointee = TensorHandle.retained(try Tensor(bytes: bytes, shape: shape, dtype: dtype, on: device(label)))
    }
}

/// Lets a tensor go.
@_cdecl("losskit_tensor_free")
public func freeTensor(_ tensor: OpaquePointer?) {
    if let tensor { Unmanaged<TensorHandle>.fromOpaque(UnsafeRawPointer(tensor)).release() }
}

/// A tensor's element type.
@_cdecl("losskit_tensor_dtype")
public func tensorDType(_ tensor: OpaquePointer?, _ dtype: UnsafeMutablePointer<Int32>?) -> Int32 {
    call {
        let operation = "losskit_tensor_dtype"
        try present(dtype, "dtype", operation).pointee = TensorHandle.tensor(tensor, "tensor", operation).dtype.code
    }
}

/// How many axes a tensor has.
@_cdecl("losskit_tensor_rank")
public func tensorRank(_ tensor: OpaquePointer?, _ rank: UnsafeMutablePointer<Int>?) -> Int32 {
    call {
        let operation = "losskit_tensor_rank"
        try present(rank, "rank", operation).pointee = TensorHandle.tensor(tensor, "tensor", operation).rank
    }
}

/// A tensor's extents.
@_cdecl("losskit_tensor_shape")
public func tensorShape(_ tensor: OpaquePointer?, _ capacity: Int, _ shape: UnsafeMutablePointer<Int64>?) -> Int32 {
    call {
        let operation = "losskit_tensor_shape"
        let extents = try TensorHandle.tensor(tensor, "tensor", operation).shape
        guard UInt(bitPattern: capacity) >= UInt(extents.count) else {
            throw TensorError.invalidArgument(operation: operation, expected: "room for \(extents.count) extents", actual: "\(capacity)")
        }
        guard !extents.isEmpty else { return }
        let target = try present(shape, "shape", operation)
        for (axis, extent) in extents.enumerated() { target[axis] = Int64(extent) }
    }
}

/// How many bytes a tensor's elements take.
@_cdecl("losskit_tensor_byte_count")
public func tensorByteCount(_ tensor: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?) -> Int32 {
    call {
        let operation = "losskit_tensor_byte_count"
        let tensor = try TensorHandle.tensor(tensor, "tensor", operation)
        try present(count, "count", operation).pointee = tensor.count * tensor.dtype.byteCount
    }
}

/// Copies a tensor's elements out.
@_cdecl("losskit_tensor_copy")
public func copyTensor(_ tensor: OpaquePointer?, _ data: UnsafeMutableRawPointer?, _ count: Int) -> Int32 {
    call {
        let operation = "losskit_tensor_copy"
        let tensor = try TensorHandle.tensor(tensor, "tensor", operation)
        let size = tensor.count * tensor.dtype.byteCount
        guard count == size else {
            throw TensorError.invalidArgument(operation: operation, expected: "\(size) bytes", actual: "\(UInt(bitPattern: count))")
        }
        guard size > 0 else { return }
        try tensor.copyBytes(to: UnsafeMutableRawBufferPointer(start: present(data, "data", operation), count: size))
    }
}
