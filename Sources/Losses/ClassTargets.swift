import LossKitOps

/// Class indices beside logits, checked once: which element of the logits is each row's own class, and which rows count.
struct ClassTargets {
    /// The axis of the classes: the second, or the only one.
    let axis: Int
    /// True at each row's own class, of the logits' shape; it takes no memory where it is used in an expression of float32.
    let isTarget: Tensor
    /// 1 for rows that count and 0 for ignored ones, of the targets' shape.
    let counts: Tensor
    private let zero: Tensor

    /// - Parameters:
    ///   - targets: Integers of the logits' shape without the axis of the classes.
    ///   - logits: [N, C], [N, C, d1, ...] or [C], floating point.
    ///   - ignored: Rows of this index count for nothing, whatever class it names.
    init(_ targets: Tensor, beside logits: Tensor, ignoring ignored: Int? = nil, _ operation: String) throws {
        try requireFloatingPoint(logits, operation)
        guard logits.rank >= 1 else {
            throw TensorError.shapeMismatch(operation: operation, expected: "logits [N, C, ...] or [C]", actual: [logits.shape])
        }
        axis = logits.rank == 1 ? 0 : 1
        var shape = logits.shape
        let classes = shape.remove(at: axis)
        let targets = try checkedClasses(targets, shape: shape, below: classes, ignoring: ignored, operation)
        // Float32 holds whole numbers up to 2^24, and lets the comparison run within expressions of logits.
        let isExact = classes < 1 << 24
        var column = [Int](repeating: 1, count: logits.rank)
        column[axis] = classes
        let list = try Tensor.arange(to: Double(classes), dtype: isExact ? .float32 : .int64, on: logits.device).reshaped(column)
        let own = try targets.asType(isExact ? .float32 : .int64).expandedDimensions(at: axis)
        counts = try ignored.map { (targets .!= Double($0)).asType(logits.dtype) } ?? .ones(shape, dtype: logits.dtype, on: logits.device)
        isTarget =
            ignored.map { (0..<classes).contains($0) } == true ? (own .== list) .&& (own .!= Double(ignored ?? 0)) : own .== list
        zero = try logits.constant(0)
    }

    /// The element of each row's own class; 0 for ignored rows.
    func pick(_ values: Tensor) throws -> Tensor { try Tensor.select(isTarget, values, zero).sum(axes: [axis]) }

    /// The elements of all other classes, and a number in place of each row's own.
    func others(_ values: Tensor, own: Double = 0) throws -> Tensor { Tensor.select(isTarget, try values.constant(own), values) }

    /// A value of each row beside the row's classes.
    func column(_ rows: Tensor) throws -> Tensor { try rows.expandedDimensions(at: axis) }
}

/// Class indices of a shape and in range. The row of one that is not is named: on the CPU at once, on an OpenCL device by whatever reads a value
/// that depends on the result.
func checkedClasses(
    _ targets: Tensor, shape: [Int], below classes: Int, ignoring ignored: Int? = nil, _ operation: String
) throws -> Tensor {
    let operation = "\(operation) targets"
    guard try targets.checked().dtype.isFloatingPoint || targets.shape == shape else {
        throw TensorError.shapeMismatch(operation: operation, expected: "class indices \(shape)", actual: [targets.shape])
    }
    return try targets.checkedClasses(below: classes, ignoring: ignored, operation: operation)
}

/// Checks that a tensor holds real numbers.
func requireFloatingPoint(_ tensor: Tensor, _ operation: String) throws {
    guard try tensor.checked().dtype.isFloatingPoint else {
        throw TensorError.dtypeMismatch(operation: operation, expected: "floating point", actual: [tensor.dtype])
    }
}

/// Checks a shape, extents of nil left open.
func requireShape(_ tensor: Tensor, _ shape: [Int?], _ name: String, _ operation: String) throws {
    let actual = try tensor.checked().shape
    guard actual.count == shape.count, zip(actual, shape).allSatisfy({ $1 == nil || $0 == $1 }) else {
        let extents = shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
        throw TensorError.shapeMismatch(operation: operation, expected: "\(name) [\(extents)]", actual: [actual])
    }
}

extension Tensor {
    /// A number beside this tensor: of its type, on its device.
    func constant(_ value: Double) throws -> Tensor { try .full([], value, dtype: dtype, on: device) }

    /// The largest magnitude along an axis, kept as an axis of extent 1 and held still, or 1 where that is 0: what to divide by before squaring.
    func magnitude(axes: [Int]) throws -> Tensor {
        guard count > 0 else { return try stopGradient(self).sum(axes: axes, keepDimensions: true) + 1 }
        let largest = try stopGradient(self).absolute().max(axes: axes, keepDimensions: true)
        return Tensor.select(largest .== 0, try constant(1), largest)
    }

    /// The Euclidean norm along axes, of numbers whose squares need not be numbers of their type.
    func length(axes: [Int], keepDimensions: Bool = false) throws -> Tensor {
        let scale = try magnitude(axes: axes)
        let scaled = try (self / scale).norm(axes: axes, keepDimensions: true) * scale
        return keepDimensions ? scaled : try scaled.squeezed(axes: axes)
    }
}
