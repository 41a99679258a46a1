import LossKitDevice
import LossKitKernels

// Memory that tensors share with the rest of a program, without a copy on the CPU.

extension Tensor {
    /// A tensor on the CPU that reads somebody else's memory where it lies.
    ///
    /// Nobody may write to the memory before `release` is called, from whatever thread lets the last tensor go that needs it. Memory that is not
    /// aligned to its elements is copied, and released at once.
    ///
    /// - Parameters:
    ///   - strides: Steps in elements along each axis; row-major by default.
    ///   - offset: The place of the first element, in elements.
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` where an element would lie outside the bytes; they are then not
    ///   released.
    public init(
        borrowing bytes: UnsafeRawBufferPointer, shape: [Int], strides: [Int]? = nil, offset: Int = 0, dtype: DType,
        release: @escaping @Sendable () -> Void
    ) throws {
        let count = try Shape.checkedCount(shape, operation: "Tensor")
        let strides = strides ?? Shape.rowMajorStrides(shape)
        guard let reach = Self.reach(shape, strides, from: offset), reach.first >= 0, reach.end <= bytes.count / dtype.byteCount else {
            throw TensorError.invalidArgument(
                operation: "Tensor", expected: "elements of shape \(shape) and strides \(strides) within \(bytes.count) bytes of \(dtype)",
                actual: "the first at \(offset)")
        }
        let isAligned = UInt(bitPattern: bytes.baseAddress) % UInt(dtype.byteCount) == 0
        if isAligned, let buffer = Buffer(borrowing: bytes, release: release) {
            self.init(shape: shape, dtype: dtype, device: .cpu, strides: strides, offset: offset, storage: Storage(.ready(buffer)))
            return
        }
        let whole = try Tensor.empty([count == 0 ? 0 : reach.end], dtype: dtype, on: .cpu)
        let buffer = try whole.output().buffer
        try buffer.upload(UnsafeRawBufferPointer(rebasing: bytes[..<buffer.byteCount]))
        release()
        self.init(shape: shape, dtype: dtype, device: .cpu, strides: strides, offset: offset, storage: whole.storage)
    }

    /// A tensor on the CPU that reads an array where it lies, one-dimensional unless a shape is given.
    ///
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` where the shape holds another number of elements.
    public init<S: TensorScalar>(sharing values: [S], shape: [Int]? = nil) throws {
        let shape = shape ?? [values.count]
        guard try Shape.checkedCount(shape, operation: "Tensor") == values.count else {
            throw TensorError.shapeMismatch(operation: "Tensor", expected: "a shape of \(values.count) elements", actual: [shape])
        }
        // Whoever holds an array keeps its elements where they are: a change elsewhere is made to a copy.
        let bytes = values.withUnsafeBytes { UnsafeRawBufferPointer($0) }
        try self.init(borrowing: bytes, shape: shape, dtype: S.dtype) { withExtendedLifetime(values) {} }
    }

    /// A tensor of the values of a span in row-major order, copied.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` where the shape holds another number of elements.
    public init<S: TensorScalar>(_ values: Span<S>, shape: [Int]? = nil, on device: Device = .default) throws {
        let shape = shape ?? [values.count]
        self = try values.withUnsafeBytes { try Tensor(bytes: $0, shape: shape, dtype: S.dtype, on: device) }
    }

    /// Calls `body` with the elements' bytes in row-major order: on the CPU the tensor's own memory where it is without gaps, else a copy.
    ///
    /// The bytes are valid while `body` runs.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let size = count * dtype.byteCount
        let source = try slice()
        if let start = source.buffer.hostPointer {
            return try withExtendedLifetime(source) {
                try body(UnsafeRawBufferPointer(start: start + source.byteOffset, count: size))
            }
        }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Swift.max(size, 1), alignment: 64)
        defer { bytes.deallocate() }
        let filled = UnsafeMutableRawBufferPointer(rebasing: bytes[..<size])
        try source.buffer.download(into: filled, from: source.byteOffset)
        return try body(UnsafeRawBufferPointer(filled))
    }

    /// Calls `body` with the elements in row-major order; see ``withUnsafeBytes(_:)``.
    ///
    /// - Throws: ``TensorError/dtypeMismatch(operation:expected:actual:)`` for a tensor of another element type.
    public func withSpan<S: TensorScalar, Result>(of type: S.Type, _ body: (Span<S>) throws -> Result) throws -> Result {
        guard dtype == S.dtype else {
            throw TensorError.dtypeMismatch(operation: "withSpan", expected: S.dtype.rawValue, actual: [dtype])
        }
        return try withUnsafeBytes { try body($0.assumingMemoryBound(to: S.self).span) }
    }

    /// Copies the elements out in row-major order.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for more or less room than they take.
    public func copyBytes(to target: UnsafeMutableRawBufferPointer) throws {
        let size = count * dtype.byteCount
        guard target.count == size else {
            throw TensorError.invalidArgument(operation: "copyBytes", expected: "room for \(size) bytes", actual: "\(target.count)")
        }
        let source = try slice()
        try source.buffer.download(into: target, from: source.byteOffset)
    }

    /// The least place of an element and the first place after all of them; nil where they cannot be counted.
    private static func reach(_ shape: [Int], _ strides: [Int], from offset: Int) -> (first: Int, end: Int)? {
        guard strides.count == shape.count else { return nil }
        guard !shape.contains(0) else { return (0, 0) }
        var (first, last) = (offset, offset)
        for (extent, stride) in zip(shape, strides) {
            let (length, overflow) = stride.multipliedReportingOverflow(by: extent - 1)
            guard !overflow else { return nil }
            let (sum, isTooLarge) = (length < 0 ? first : last).addingReportingOverflow(length)
            guard !isTooLarge else { return nil }
            if length < 0 { first = sum } else { last = sum }
        }
        return last == .max ? nil : (first, last + 1)
    }
}
