/// The sum of the products of two vectors' elements, as PyTorch's `dot`.
///
/// Gradient: g b and g a. Differentiable any number of times.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` unless both are [n].
public func dot(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    guard try a.checked().rank == 1, try b.checked().shape == a.shape else {
        throw TensorError.shapeMismatch(operation: "dot", expected: "two vectors of one length", actual: [a.shape, b.shape])
    }
    return try (a * b).sum()
}

/// The products of every element of one vector with every element of another: [n] and [m] give [n, m].
///
/// Gradient: g b and g^T a. Differentiable any number of times.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` unless both are vectors.
public func outer(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    guard try a.checked().rank == 1, try b.checked().rank == 1 else {
        throw TensorError.shapeMismatch(operation: "outer", expected: "two vectors", actual: [a.shape, b.shape])
    }
    return try (a.expandedDimensions(at: 1) * b).checked()
}

/// The vector products of [..., 3] and [..., 3]; leading axes broadcast.
///
/// Gradient: b x g and g x a. Differentiable any number of times.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` unless the last axes have extent 3.
public func cross(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    guard try a.checked().shape.last == 3, try b.checked().shape.last == 3 else {
        throw TensorError.shapeMismatch(operation: "cross", expected: "vectors [..., 3]", actual: [a.shape, b.shape])
    }
    func component(_ tensor: Tensor, _ index: Int) throws -> Tensor {
        try tensor.slice(axis: -1, from: index % 3, to: index % 3 + 1)
    }
    let components = try (0..<3).map { index in
        try component(a, index + 1) * component(b, index + 2) - component(a, index + 2) * component(b, index + 1)
    }
    return try Tensor.concatenate(components, axis: -1)
}
