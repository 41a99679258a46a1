import LossKitKernels

/// The value of a scalar function and its gradient at each of several points.
///
/// Differentiations nest: the gradient is made of tensor operations and can be differentiated again. Operations are recorded only while
/// `function` runs and only where they depend on a point; a point that the value does not depend on has a gradient of zeros.
///
/// - Parameter points: Floating-point tensors; each gradient has its point's shape and type.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` where the value is not one floating-point number,
///   and whatever `function` or the operations in it throw.
public func valueWithGradient(
    at points: [Tensor], of function: ([Tensor]) throws -> Tensor
) throws -> (value: Tensor, gradient: [Tensor]) {
    for point in points {
        guard try point.checked().dtype.isFloatingPoint else {
            throw TensorError.dtypeMismatch(operation: "valueWithGradient", expected: "floating-point points", actual: [point.dtype])
        }
    }
    let level = Differentiation.depth + 1
    let leaves = points.map { point in
        History(
            inputs: [point.history], outputs: [], outputCount: 1, level: min(level, point.history?.node.level ?? .max),
            vjp: { [$0.cotangent] })
    }
    let value = try Differentiation.$floor.withValue(.max) {
        try Differentiation.$depth.withValue(level) {
            try function(zip(points, leaves).map { point, leaf in point.withHistory(History.Link(node: leaf, output: 0)) })
        }
    }.checked()
    guard value.count == 1, value.dtype.isFloatingPoint else {
        throw TensorError.invalidArgument(
            operation: "valueWithGradient", expected: "one floating-point number as value", actual: "\(value.dtype) of shape \(value.shape)"
        )
    }
    let gradient = try Differentiation.$floor.withValue(level) {
        let one = try Tensor.full(value.shape, 1, dtype: value.dtype, on: value.device)
        return try Backward.run(from: [(value, one)], to: leaves)
    }
    return (
        value.detached(fromLevel: level),
        try zip(points, gradient).map { point, gradient in
            try gradient?.detached(fromLevel: level) ?? Tensor.zeros(point.shape, dtype: point.dtype, on: point.device)
        }
    )
}

/// The value of a scalar function and its gradient at a point; see ``valueWithGradient(at:of:)-([Tensor],_)``.
///
/// ```swift
/// let (loss, slope) = try valueWithGradient(at: x) { x in try (x.square() * weights).sum() }
/// ```
public func valueWithGradient(at point: Tensor, of function: (Tensor) throws -> Tensor) throws -> (value: Tensor, gradient: Tensor) {
    let (value, gradient) = try valueWithGradient(at: [point]) { try function($0[0]) }
    return (value, gradient[0])
}

/// The value of a scalar function of two tensors and its gradient with respect to both; see ``valueWithGradient(at:of:)-([Tensor],_)``.
public func valueWithGradient(
    at first: Tensor, _ second: Tensor, of function: (Tensor, Tensor) throws -> Tensor
) throws -> (value: Tensor, gradient: (Tensor, Tensor)) {
    let (value, gradient) = try valueWithGradient(at: [first, second]) { try function($0[0], $0[1]) }
    return (value, (gradient[0], gradient[1]))
}

/// The gradient of a scalar function at a point; see ``valueWithGradient(at:of:)-([Tensor],_)``.
///
/// ```swift
/// // A Hessian-vector product: the gradient of a gradient.
/// let product = try gradient(at: x) { x in try (gradient(at: x, of: f) * v).sum() }
/// ```
public func gradient(at point: Tensor, of function: (Tensor) throws -> Tensor) throws -> Tensor {
    try valueWithGradient(at: point, of: function).gradient
}

/// The gradients of a scalar function at several points; see ``valueWithGradient(at:of:)-([Tensor],_)``.
public func gradient(at points: [Tensor], of function: ([Tensor]) throws -> Tensor) throws -> [Tensor] {
    try valueWithGradient(at: points, of: function).gradient
}

/// The same values, which no derivative is carried through.
public func stopGradient(_ tensor: Tensor) -> Tensor { tensor.withHistory(nil) }

/// A function with a derivative of the caller's own.
///
/// The pullback is differentiated itself where a second derivative is asked for, through whatever tensors it holds of `forward`.
///
/// - Parameters:
///   - inputs: What the function depends on.
///   - forward: Gives the value, and the function that makes cotangents of the inputs (nil: zero) from the value's cotangent.
/// - Throws: What `forward` throws; the backward pass throws ``TensorError/invalidArgument(operation:expected:actual:)`` for another number
///   of cotangents than inputs, and ``TensorError/shapeMismatch(operation:expected:actual:)`` for one that is not of its input's shape.
///
/// ```swift
/// // Rounds, and passes the gradient straight through.
/// let rounded = try customVJP([x]) { inputs in (inputs[0].round(), { cotangent in [cotangent] }) }
/// ```
public func customVJP(
    _ inputs: [Tensor], forward: ([Tensor]) throws -> (value: Tensor, pullback: @Sendable (Tensor) throws -> [Tensor?])
) throws -> Tensor {
    // The inputs keep their history: a pullback that uses them depends on them.
    let (value, pullback) = try forward(inputs)
    let kinds = inputs.map { (shape: $0.shape, dtype: $0.dtype) }
    return Tensor.record("customVJP", inputs: inputs, output: stopGradient(try value.checked())) {
        let cotangents = try pullback($0.cotangent)
        guard cotangents.count == kinds.count else {
            throw TensorError.invalidArgument(
                operation: "customVJP", expected: "\(kinds.count) cotangents, one for each input", actual: "\(cotangents.count)")
        }
        return try zip(cotangents, kinds).map { cotangent, kind in
            guard let cotangent = try cotangent?.checked() else { return nil }
            guard cotangent.shape == kind.shape else {
                throw TensorError.shapeMismatch(
                    operation: "customVJP", expected: "a cotangent of its input's shape \(kind.shape)", actual: [cotangent.shape])
            }
            return cotangent.asType(kind.dtype)
        }
    }
}

/// A function whose intermediate values are computed again in the backward pass rather than kept.
///
/// Memory: the inputs and the value; time: one more run of `function`. Only what is passed as `inputs` is differentiated, not what
/// `function`
/// captures. Differentiable as often as `function` is.
public func checkpoint(_ inputs: [Tensor], _ function: @escaping @Sendable ([Tensor]) throws -> Tensor) throws -> Tensor {
    let value = try function(inputs.map(stopGradient))
    return Tensor.record("checkpoint", inputs: inputs, output: stopGradient(value)) { pullback in
        let cotangent = pullback.cotangent
        return try gradient(at: inputs) { try (function($0) * cotangent).sum() }
    }
}

extension Tensor {
    /// Forgets the history of a differentiation that has ended, unless an enclosing one still needs it.
    fileprivate func detached(fromLevel level: Int) -> Tensor {
        guard let link = history, link.node.level >= level else { return self }
        return withHistory(nil)
    }
}
