/// Changes parameters a step along their gradients.
public protocol Optimizer {
    /// Multiplied into every step of the parameters that are in no group; a schedule sets it before each.
    var learningRate: Double { get set }

    /// The parameters after a step.
    mutating func step(_ parameters: [Tensor], gradients: [Tensor]) throws -> [Tensor]
}

/// Parameters with options of their own, as PyTorch's parameter groups: what a group does not set is as in the optimiser when it is made.
///
/// A schedule sets ``options`` before a step, group by group.
///
/// ```swift
/// // No decay for the biases, and a slower output layer.
/// var optimizer = Adam(learningRate: 1e-3, weightDecay: 1e-2, isDecoupled: true, groups: [
///     .init([1, 3]) { $0.weightDecay = 0 }, .init([4]) { $0.learningRate = 1e-4 },
/// ])
/// ```
public struct ParameterGroup<Options: Sendable>: Sendable {
    /// The places of its parameters in the arrays that a step is given.
    public let parameters: [Int]
    /// What holds for its parameters.
    public var options: Options
}

/// A group as it is asked for: which parameters, and what they have other than the rest.
public struct ParameterGroupRequest<Options: Sendable> {
    let parameters: [Int]
    let change: (inout Options) -> Void

    /// The parameters at these places, with options changed by `change`.
    public init(_ parameters: some Sequence<Int>, _ change: @escaping (inout Options) -> Void) {
        self.parameters = Array(parameters)
        self.change = change
    }

    func group(of options: Options) -> ParameterGroup<Options> {
        var options = options
        change(&options)
        return ParameterGroup(parameters: parameters, options: options)
    }
}

/// Checks that there is one gradient of the right shape for each parameter, and that every state is of its parameter's shape.
func requireGradients(_ parameters: [Tensor], _ gradients: [Tensor], states: [Tensor?], _ operation: String) throws {
    guard parameters.count == gradients.count, zip(parameters, gradients).allSatisfy({ $0.shape == $1.shape }) else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "a gradient for each parameter, of shapes \(parameters.map(\.shape))",
            actual: gradients.map(\.shape))
    }
    guard states.isEmpty || states.count == parameters.count,
        zip(states, parameters).allSatisfy({ $0 == nil || $0?.shape == $1.shape })
    else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "the parameters of the steps before, of shapes \(states.map { $0?.shape ?? [] })",
            actual: parameters.map(\.shape))
    }
}

/// The options of each of `count` parameters, by the groups.
func optionsByParameter<Options>(
    _ count: Int, _ options: Options, _ groups: [ParameterGroup<Options>], _ operation: String
) throws -> [Options] {
    var all = [Options](repeating: options, count: count)
    var seen = Set<Int>()
    for group in groups {
        for index in group.parameters {
            guard all.indices.contains(index) else {
                throw TensorError.invalidArgument(
                    operation: operation, expected: "groups of parameters 0..<\(count)", actual: "parameter \(index)")
            }
            guard seen.insert(index).inserted else {
                throw TensorError.invalidArgument(
                    operation: operation, expected: "each parameter in one group at most", actual: "parameter \(index) in two")
            }
            all[index] = group.options
        }
    }
    return all
}

/// Checks an option's value.
func requireOption(_ isRight: Bool, _ operation: String, _ expected: String, _ actual: some CustomStringConvertible) throws {
    guard isRight else { throw TensorError.invalidArgument(operation: operation, expected: expected, actual: "\(actual)") }
}
