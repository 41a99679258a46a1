import LossKitDevice
import LossKitKernels

extension Tensor {
    /// The elements in row-major order, converted to the wanted type as ``asType(_:)`` does; waits for the device.
    public func array<S: TensorScalar>(of type: S.Type = S.self) throws -> [S] {
        // The host converts: not every device has float64.
        let tensor = dtype == S.dtype ? self : try stopGradient(self).to(.cpu).asType(S.dtype)
        let source = try tensor.slice()
        return try [S](unsafeUninitializedCapacity: tensor.count) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            try source.buffer.download(
                into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<(tensor.count * MemoryLayout<S>.stride)]), from: source.byteOffset)
            count = tensor.count
        }
    }

    /// The only element, as a number; an int64 beyond 2^53 is rounded.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` where there is not exactly one.
    public func scalar() throws -> Double {
        guard try checked().count == 1 else {
            throw TensorError.invalidArgument(operation: "scalar", expected: "one element", actual: "shape \(shape)")
        }
        return try array(of: Double.self)[0]
    }

    /// Whether elements are not zero, in row-major order: a mask as Swift's own type.
    public func booleans() throws -> [Bool] {
        try array(of: TruthValue.self).map(\.value)
    }

    /// Runs what is pending, so that later reads find memory; gives the tensor itself. On an OpenCL device it queues the work and does not
    /// wait.
    ///
    /// - Throws: The error that the tensor carries, or what running it meets.
    @discardableResult
    public func evaluated() throws -> Tensor {
        _ = try memory()
        return self
    }
}
