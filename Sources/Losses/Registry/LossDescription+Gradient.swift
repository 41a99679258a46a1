import LossKitOps

extension LossDescription {
    /// The loss and its gradients with respect to inputs, by their names.
    ///
    /// A loss of several elements is differentiated as the sum of its elements times those of the cotangent, or as their plain sum.
    /// - Throws: What the loss throws, and ``TensorError/invalidArgument(operation:expected:actual:)`` for a name that is no differentiable input
    ///   among those given.
    public func valueWithGradients(
        at names: [String], _ tensors: [String: Tensor], options: [String: String] = [:], cotangent: Tensor? = nil
    ) throws -> (value: Tensor, gradients: [Tensor]) {
        let points = try names.map { name in
            guard let point = tensors[name], inputs.contains(where: { $0.name == name && $0.isDifferentiable }) else {
                let given = inputs.filter { $0.isDifferentiable && tensors[$0.name] != nil }.map(\.name)
                throw TensorError.invalidArgument(
                    operation: "\(self.name) gradient",
                    expected: "a differentiable input that is given: \(given.joined(separator: ", "))", actual: "\"\(name)\"")
            }
            return point
        }
        guard !points.isEmpty else { return (try self(tensors, options: options), []) }
        var value: Tensor?
        let slopes = try gradient(at: points) { points in
            let result = try self(tensors.merging(zip(names, points)) { $1 }, options: options).checked()
            value = stopGradient(result)
            guard let cotangent else { return try result.sum() }
            guard cotangent.shape == result.shape else {
                throw TensorError.shapeMismatch(
                    operation: "\(self.name) cotangent", expected: "the value's shape \(result.shape)", actual: [cotangent.shape])
            }
            return try (result * cotangent).sum()
        }
        return (try value ?? self(tensors, options: options), slopes)
    }
}
