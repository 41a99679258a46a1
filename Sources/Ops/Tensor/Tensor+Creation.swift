import LossKitDevice
import LossKitKernels

extension Tensor {
    /// A tensor of the values in row-major order, one-dimensional unless a shape is given.
    ///
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` where the shape holds another number of elements.
    public init<S: TensorScalar>(_ values: [S], shape: [Int]? = nil, on device: Device = .default) throws {
        let shape = shape ?? [values.count]
        guard try Shape.checkedCount(shape, operation: "Tensor") == values.count else {
            throw TensorError.shapeMismatch(operation: "Tensor", expected: "a shape of \(values.count) elements", actual: [shape])
        }
        self = try values.withUnsafeBytes { try Tensor(bytes: $0, shape: shape, dtype: S.dtype, on: device) }
    }

    /// A matrix of rows of equal length.
    ///
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for rows of unlike length.
    public init<S: TensorScalar>(_ rows: [[S]], on device: Device = .default) throws {
        guard rows.allSatisfy({ $0.count == rows[0].count }) else {
            throw TensorError.shapeMismatch(operation: "Tensor", expected: "rows of equal length", actual: rows.map { [$0.count] })
        }
        try self.init(rows.flatMap { $0 }, shape: [rows.count, rows.first?.count ?? 0], on: device)
    }

    /// A scalar: a tensor without axes.
    public init<S: TensorScalar>(_ value: S, on device: Device = .default) throws {
        try self.init([value], shape: [], on: device)
    }

    /// A tensor of numbers in row-major order, rounded to a type on the host: the device need not have float64 for them.
    ///
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` where the shape holds another number of elements.
    public init(_ values: [Double], shape: [Int]? = nil, dtype: DType, on device: Device = .default) throws {
        self = try Self.numbered(values.count, dtype: dtype, on: device) { values[$0] }.reshaped(shape ?? [values.count])
    }

    /// A bool tensor of truth values in row-major order, one-dimensional unless a shape is given.
    ///
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` where the shape holds another number of elements.
    public init(_ values: [Bool], shape: [Int]? = nil, on device: Device = .default) throws {
        try self.init(values.map { TruthValue($0) }, shape: shape, on: device)
    }

    /// A tensor of bytes in row-major order, copied.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` where there are more or fewer bytes than the shape holds.
    public init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, on device: Device = .default) throws {
        let count = try Shape.checkedCount(shape, operation: "Tensor")
        guard bytes.count == count * dtype.byteCount else {
            throw TensorError.invalidArgument(
                operation: "Tensor", expected: "\(count * dtype.byteCount) bytes for \(dtype) of shape \(shape)", actual: "\(bytes.count)")
        }
        let tensor = try Tensor.empty(shape, dtype: dtype, on: device)
        try tensor.output().buffer.upload(bytes)
        self = tensor
    }

    /// A tensor of one value everywhere, rounded to the type; takes no memory until it is needed as such.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for negative extents or more elements than can be counted.
    public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32, on device: Device = .default) throws -> Tensor {
        _ = try Shape.checkedCount(shape, operation: "full")
        var expression = Expression(shape: shape, arithmetic: dtype.arithmetic, output: dtype)
        _ = expression.append(constant: dtype == .bool ? (value != 0 ? 1 : 0) : value)
        return Tensor(shape: shape, dtype: dtype, device: device, state: .pending(expression))
    }

    /// A tensor of zeros; see ``full(_:_:dtype:on:)``.
    public static func zeros(_ shape: [Int], dtype: DType = .float32, on device: Device = .default) throws -> Tensor {
        try full(shape, 0, dtype: dtype, on: device)
    }

    /// A tensor of ones; see ``full(_:_:dtype:on:)``.
    public static func ones(_ shape: [Int], dtype: DType = .float32, on device: Device = .default) throws -> Tensor {
        try full(shape, 1, dtype: dtype, on: device)
    }

    /// start, start + step, ... up to but without end, as NumPy's `arange`; empty where the step leads away from the end.
    ///
    /// Each is start + index * step in double precision, rounded once to the element type (toward zero for integers).
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` where an argument is not finite or the step is 0.
    public static func arange(
        _ start: Double = 0, to end: Double, by step: Double = 1, dtype: DType = .int64, on device: Device = .default
    ) throws -> Tensor {
        guard step != 0, start.isFinite, end.isFinite, step.isFinite, case let steps = ((end - start) / step).rounded(.up), steps < 1e15
        else {
            throw TensorError.invalidArgument(
                operation: "arange", expected: "a finite number of steps", actual: "\(start) to \(end) by \(step)")
        }
        return try numbered(steps > 0 ? Int(steps) : 0, dtype: dtype, on: device) { start + Double($0) * step }
    }

    /// `count` values at equal distances from start to end, both included, as NumPy's `linspace`.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a negative count.
    public static func linspace(
        _ start: Double, _ end: Double, count: Int, dtype: DType = .float32, on device: Device = .default
    ) throws -> Tensor {
        guard count >= 0 else { throw TensorError.invalidArgument(operation: "linspace", expected: "count >= 0", actual: "\(count)") }
        return try numbered(count, dtype: dtype, on: device) {
            count == 1 ? start : $0 == count - 1 ? end : start + (end - start) * Double($0) / Double(count - 1)
        }
    }

    /// Numbers by position, rounded to the type on the host: no device needs float64 for them.
    private static func numbered(_ count: Int, dtype: DType, on device: Device, _ value: (Int) -> Double) throws -> Tensor {
        // The memory first: what does not fit is an error before the host spends any time or memory of its own.
        func filled<S: TensorScalar>(_ rounded: (Double) -> S) throws -> Tensor {
            let tensor = try Tensor.empty([count], dtype: S.dtype, on: device)
            try (0..<count).map { rounded(value($0)) }.withUnsafeBytes { try tensor.output().buffer.upload($0) }
            return tensor
        }
        switch dtype {
        case .float64: return try filled { $0 }
        case .int32: return try filled { Int32(exactly: $0.rounded(.towardZero)) ?? ($0 < 0 ? .min : .max) }
        case .int64: return try filled { Int64(exactly: $0.rounded(.towardZero)) ?? ($0 < 0 ? .min : .max) }
        case .float32, .float16, .bfloat16, .uint8, .bool: return try filled { Float($0) }.asType(dtype)
        }
    }

    /// The identity matrix [n, n].
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a negative extent.
    public static func eye(_ n: Int, dtype: DType = .float32, on device: Device = .default) throws -> Tensor {
        guard n >= 0 else { throw TensorError.invalidArgument(operation: "eye", expected: "n >= 0", actual: "\(n)") }
        let index = try arange(to: Double(n), dtype: .int32, on: device)
        return try (index.expandedDimensions(at: 1) .== index).asType(dtype)
    }

    /// The same values on another device, copied through the host; itself on its own. The gradient is copied back.
    public func to(_ target: Device) throws -> Tensor {
        guard target != device else { return self }
        let count = count * dtype.byteCount
        let source = try slice()
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Swift.max(count, 1), alignment: 64)
        defer { bytes.deallocate() }
        let filled = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
        try source.buffer.download(into: filled, from: source.byteOffset)
        let copy = try Tensor(bytes: UnsafeRawBufferPointer(filled), shape: shape, dtype: dtype, on: target)
        let origin = device
        return Tensor.record("to", inputs: [self], output: copy) { [try $0.cotangent.to(origin)] }
    }
}
