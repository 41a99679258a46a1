/// Stochastic gradient descent with momentum: `v = momentum v + (1 - dampening) g` (at first `v = g`), `p = p - rate v`, with Nesterov's
/// `p = p - rate (g + momentum v)`; weight decay adds `weightDecay p` to `g` before.
///
/// As PyTorch's `SGD`, with its parameter groups. A step that throws changes nothing.
public struct SGD: Optimizer {
    /// What may differ between groups of parameters.
    public struct Options: Sendable, Hashable {
        /// Multiplied into every step.
        public var learningRate: Double
        /// How much of the last step's direction is kept.
        public var momentum = 0.0
        /// How much of the gradient is held back from the momentum.
        public var dampening = 0.0
        /// How much of the parameter is added to its gradient.
        public var weightDecay = 0.0
        /// Whether to look ahead along the momentum.
        public var nesterov = false

        func check() throws {
            try requireOption(learningRate >= 0, "SGD", "a learning rate of 0 or more", learningRate)
            try requireOption(momentum >= 0, "SGD", "a momentum of 0 or more", momentum)
            try requireOption(weightDecay >= 0, "SGD", "a weight decay of 0 or more", weightDecay)
            try requireOption(!nesterov || (momentum > 0 && dampening == 0), "SGD", "momentum without dampening for Nesterov's", self)
        }
    }

    /// What holds for the parameters that are in no group.
    public var options: Options
    /// The groups, in the order in which they were asked for.
    public var groups: [ParameterGroup<Options>]
    private var velocities: [Tensor?] = []

    /// The rate of the parameters that are in no group.
    public var learningRate: Double {
        get { options.learningRate }
        set { options.learningRate = newValue }
    }

    /// Descends with these options, and with others for groups of parameters.
    public init(
        learningRate: Double, momentum: Double = 0, dampening: Double = 0, weightDecay: Double = 0, nesterov: Bool = false,
        groups: [ParameterGroupRequest<Options>] = []
    ) {
        options = Options(
            learningRate: learningRate, momentum: momentum, dampening: dampening, weightDecay: weightDecay, nesterov: nesterov)
        self.groups = groups.map { [options] in $0.group(of: options) }
    }

    /// The parameters after a step.
    public mutating func step(_ parameters: [Tensor], gradients: [Tensor]) throws -> [Tensor] {
        try requireGradients(parameters, gradients, states: velocities, "SGD")
        let options = try optionsByParameter(parameters.count, options, groups, "SGD")
        var (results, moved): ([Tensor], [Tensor?]) = ([], [])
        for (index, option) in options.enumerated() {
            try option.check()
            let parameter = parameters[index]
            let gradient = option.weightDecay == 0 ? gradients[index] : gradients[index] + parameter * option.weightDecay
            var direction = gradient
            if option.momentum != 0 {
                if let old = velocities.isEmpty ? nil : velocities[index] {
                    direction = try (old * option.momentum + gradient * (1 - option.dampening)).evaluated()
                } else {
                    direction = try gradient.evaluated()
                }
                moved.append(direction)
                if option.nesterov { direction = gradient + direction * option.momentum }
            } else {
                moved.append(nil)
            }
            results.append(try (parameter - direction * option.learningRate).evaluated())
        }
        velocities = moved
        return results
    }
}

extension SGD.Options: CustomStringConvertible {
    /// All options in one line.
    public var description: String {
        "learning rate \(learningRate), momentum \(momentum), dampening \(dampening), weight decay \(weightDecay), Nesterov \(nesterov)"
    }
}
