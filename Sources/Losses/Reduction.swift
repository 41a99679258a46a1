import LossKitOps

/// What becomes of a loss's elements.
public enum Reduction: String, Sendable, CaseIterable {
    /// They are returned as they are.
    case none
    /// Their mean; over what, the loss says.
    case mean
    /// Their sum; of nothing, 0.
    case sum

    /// The same of the rows of a fused cross-entropy.
    var ofRows: CrossEntropyOptions.Reduction {
        switch self {
        case .none: .none
        case .mean: .mean
        case .sum: .sum
        }
    }

    func callAsFunction(_ elements: Tensor) throws -> Tensor {
        switch self {
        case .none: elements
        case .mean: try elements.mean()
        case .sum: try elements.sum()
        }
    }

    /// As above, but the mean divides by what counts rather than by the number of elements; NaN where nothing does.
    func callAsFunction(_ elements: Tensor, counts: Tensor) throws -> Tensor {
        guard self == .mean else { return try self(elements) }
        return try elements.sum() / counts.sum()
    }
}

/// Checks that both operands have one shape: losses do not broadcast, as a forgotten axis would go unnoticed.
func requireEqualShapes(_ a: Tensor, _ b: Tensor, _ operation: String) throws {
    guard try a.checked().shape == b.checked().shape else {
        throw TensorError.shapeMismatch(operation: operation, expected: "equal shapes", actual: [a.shape, b.shape])
    }
}

func require(_ condition: Bool, _ operation: String, _ expected: String, _ actual: @autoclosure () -> Any) throws {
    guard condition else {
        throw TensorError.invalidArgument(operation: operation, expected: expected, actual: "\(actual())")
    }
}
