import CLossKit
import LossKit

extension DType {
    /// The type of a DLPack type; nil for one that LossKit lacks.
    init?(_ type: DLDataType) {
        guard type.lanes == 1 else { return nil }
        switch (type.code, type.bits) {
        case (2, 32): self = .float32
        case (2, 16): self = .float16
        case (4, 16): self = .bfloat16
        case (2, 64): self = .float64
        case (0, 32): self = .int32
        case (0, 64): self = .int64
        case (1, 8): self = .uint8
        case (6, 8): self = .bool
        default: return nil
        }
    }

    /// How DLPack says it.
    var managed: DLDataType {
        let code: UInt8 =
            switch self {
            case .float32, .float16, .float64: 2
            case .bfloat16: 4
            case .int32, .int64: 0
            case .uint8: 1
            case .bool: 6
            }
        return DLDataType(code: code, bits: UInt8(8 * byteCount), lanes: 1)
    }
}

extension DLDevice {
    /// The host's memory, and that which CUDA has pinned.
    static let (host, pinned): (Int32, Int32) = (1, 3)

    /// What DLPack calls the devices that somebody may hand over.
    fileprivate var kind: String {
        let names: [Int32: String] = [2: "CUDA", 4: "OpenCL", 7: "Vulkan", 8: "Metal", 10: "ROCm", 13: "CUDA managed", 14: "oneAPI"]
        return names[device_type].map { " (\($0))" } ?? ""
    }
}

/// The memory of a DLPack tensor as a tensor of ours; `release` is called once it is no longer read.
private func borrowed(_ source: DLTensor, _ operation: String, release: @escaping @Sendable () -> Void) throws -> Tensor {
    guard [DLDevice.host, DLDevice.pinned].contains(source.device.device_type) else {
        throw TensorError.invalidArgument(
            operation: operation, expected: "memory of the host, DLPack's devices 1 and 3",
            actual: "device \(source.device.device_type)\(source.device.kind); copy it to the host first")
    }
    guard let dtype = DType(source.dtype) else {
        throw TensorError.invalidArgument(
            operation: operation, expected: "one of \(DType.allCases.map(\.rawValue).joined(separator: ", "))",
            actual: "code \(source.dtype.code) of \(source.dtype.bits) bits in \(source.dtype.lanes) lanes")
    }
    let shape = try extents(Int(source.ndim), source.shape, operation)
    let count = try Shape.checkedCount(shape, operation: operation)
    let strides = source.strides.map { strides in shape.indices.map { Int(strides[$0]) } } ?? Shape.rowMajorStrides(shape)
    guard count > 0, let data = source.data else {
        guard count == 0 else { throw TensorError.invalidArgument(operation: operation, expected: "data", actual: "NULL") }
        let empty = try Tensor.zeros(shape, dtype: dtype, on: .cpu).evaluated()
        release()
        return empty
    }
    // From the lowest element, which negative strides lead to, up to the highest.
    let steps = try zip(shape, strides).map { extent, stride in
        let (length, overflow) = stride.multipliedReportingOverflow(by: extent - 1)
        guard !overflow, length.magnitude < 1 << 48 else {
            throw TensorError.invalidArgument(operation: operation, expected: "strides within memory", actual: "\(strides)")
        }
        return length
    }
    let (below, above) = (steps.filter { $0 < 0 }.reduce(0, +), steps.filter { $0 > 0 }.reduce(0, +))
    guard source.byte_offset < 1 << 48 else {
        throw TensorError.invalidArgument(operation: operation, expected: "an offset within memory", actual: "\(source.byte_offset)")
    }
    let lowest = UnsafeRawPointer(data) + Int(source.byte_offset) + below * dtype.byteCount
    let bytes = UnsafeRawBufferPointer(start: lowest, count: (above - below + 1) * dtype.byteCount)
    return try Tensor(borrowing: bytes, shape: shape, strides: strides, offset: -below, dtype: dtype, release: release)
}

/// The same on any device: read where it lies on the CPU, copied and released at once elsewhere, and not released where that fails.
func taken(
    _ source: DLTensor, to device: Device, _ operation: String, release: @escaping @Sendable () -> Void
) throws -> Tensor {
    guard device != .cpu else { return try borrowed(source, operation, release: release) }
    let copy = try borrowed(source, operation) {}.to(device)
    release()
    return copy
}

/// What a managed tensor that we gave away holds: our tensor, copied to the host's memory if it is not there, its shape and its strides.
final class Lent {
    let tensor: Tensor
    let memory: BufferSlice
    let extents: UnsafeMutablePointer<Int64>

    init(_ source: Tensor) throws {
        tensor = try source.to(.cpu)
        memory = try tensor.slice()
        extents = .allocate(capacity: max(1, 2 * tensor.rank))
        for (axis, extent) in tensor.shape.enumerated() { extents[axis] = Int64(extent) }
        for (axis, stride) in Shape.rowMajorStrides(tensor.shape).enumerated() { extents[tensor.rank + axis] = Int64(stride) }
    }

    deinit { extents.deallocate() }

    /// Itself, as what a managed tensor holds until its consumer calls the deleter.
    var context: UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

    static func giveUp(_ context: UnsafeMutableRawPointer?) {
        if let context { Unmanaged<Lent>.fromOpaque(context).release() }
    }

    var description: DLTensor {
        DLTensor(
            data: memory.buffer.hostPointer.map { $0 + memory.byteOffset }, device: DLDevice(device_type: DLDevice.host, device_id: 0),
            ndim: Int32(tensor.rank), dtype: tensor.dtype.managed, shape: extents, strides: extents + tensor.rank, byte_offset: 0)
    }
}

