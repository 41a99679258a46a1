import LossKitOps

/// One loss, described once for the tests, the command line, the benchmarks and the documentation.
public struct LossDescription: Sendable {
    /// The kinds of losses, by the folder they live in.
    public enum Family: String, Sendable, CaseIterable {
        case classification, distillation, ranking, preference, regression, divergence, transport, topology, geometry
        case metricLearning = "metric-learning"
        case selfSupervised = "self-supervised"
    }

    /// The name of its Swift function.
    public let name: String
    /// The kind of loss.
    public let family: Family
    /// What it measures, in a line.
    public let summary: String
    /// Authors, title, year.
    public let reference: String
    /// The tensors it takes.
    public let inputs: [Input]
    /// Its settings, with their defaults.
    public let options: [Option]
    /// Rows of the catalogue that the loss serves.
    public let catalogue: [String]
    let evaluate: @Sendable (LossArguments) throws -> Tensor

    init(
        _ name: String, _ family: Family, _ summary: String, reference: String, inputs: [Input], options: [Option] = [],
        catalogue: [String] = [],
        evaluate: @escaping @Sendable (LossArguments) throws -> Tensor
    ) {
        self.name = name
        self.family = family
        self.summary = summary
        self.reference = reference
        self.inputs = inputs
        self.options = options
        self.catalogue = catalogue
        self.evaluate = evaluate
    }

    /// The loss of named inputs, options given as text by their Swift names.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a missing or unknown input, an unknown option or a value it does not take.
    public func callAsFunction(_ tensors: [String: Tensor], options settings: [String: String] = [:]) throws -> Tensor {
        try evaluate(LossArguments(self, tensors, settings))
    }
}
