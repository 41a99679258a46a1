import LossKitKernels

/// What went wrong in a tensor operation: each case reads as one line that says what was expected and what came.
public enum TensorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Shapes that do not fit together.
    case shapeMismatch(operation: String, expected: String, actual: [[Int]])
    /// An element type the operation does not take.
    case dtypeMismatch(operation: String, expected: String, actual: [DType])
    /// Operands that live on different devices.
    case deviceMismatch(operation: String, devices: [String])
    /// An axis outside the tensor's rank, or named twice.
    case invalidAxis(operation: String, axis: Int, rank: Int)
    /// Any other argument that is out of its domain.
    case invalidArgument(operation: String, expected: String, actual: String)
    /// An index that points outside what it indexes, with its position.
    case indexOutOfRange(operation: String, position: Int, index: Int, bound: Int)
    /// A derivative that does not exist or is not provided.
    case notDifferentiable(operation: String, order: Int)
    /// A file that cannot be read or written, or whose content is damaged.
    case file(path: String, problem: String)

    /// The error as one line: the operation, what was expected and what came.
    public var description: String {
        switch self {
        case .shapeMismatch(let operation, let expected, let actual):
            "\(operation): expected \(expected), got \(Self.joined(actual.map { "\($0)" }))"
        case .dtypeMismatch(let operation, let expected, let actual):
            "\(operation): expected \(expected), got \(Self.joined(actual.map(\.rawValue)))"
        case .deviceMismatch(let operation, let devices):
            "\(operation): expected operands on one device, got \(Self.joined(devices))"
        case .invalidAxis(let operation, let axis, let rank):
            rank == 0
                ? "\(operation): expected no axis for a scalar, got axis \(axis)"
                : "\(operation): expected distinct axes in \(-rank)...\(rank - 1) for rank \(rank), got axis \(axis)"
        case .invalidArgument(let operation, let expected, let actual):
            "\(operation): expected \(expected), got \(actual)"
        case .indexOutOfRange(let operation, let position, let index, let bound):
            "\(operation): expected an index in 0..<\(bound), got \(index) at position \(position)"
        case .notDifferentiable(let operation, let order):
            "\(operation): its derivative of order \(order) does not exist or is not provided"
        case .file(let path, let problem):
            "\(path): \(problem)"
        }
    }

    private static func joined(_ parts: [String]) -> String {
        parts.joined(separator: " and ")
    }
}
