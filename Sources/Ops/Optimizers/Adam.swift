/// Adam: `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = p - rate m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon)`.
///
/// Weight decay is added to the gradient, or with `isDecoupled` taken from the parameter as AdamW does.
/// As PyTorch's `Adam` and `AdamW`, with their parameter groups. A step that throws changes nothing.
/// Kingma and Ba, Adam, 2015; Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019.
public struct Adam: Optimizer {
    /// What may differ between groups of parameters.
    public struct Options: Sendable {
        /// Multiplied into every step.
        public var learningRate: Double
        /// How much of the moments is kept at each step.
        public var betas: (Double, Double)
        /// Keeps the quotient of the moments finite.
        public var epsilon: Double
        /// How strongly parameters are drawn to zero.
        public var weightDecay: Double
        /// Whether the decay bypasses the moments.
        public var isDecoupled: Bool

        func check() throws {
            try requireOption(learningRate >= 0, "Adam", "a learning rate of 0 or more", learningRate)
            try requireOption(epsilon >= 0, "Adam", "an epsilon of 0 or more", epsilon)
            try requireOption(weightDecay >= 0, "Adam", "a weight decay of 0 or more", weightDecay)
            let range = 0.0..<1
            try requireOption(range.contains(betas.0) && range.contains(betas.1), "Adam", "betas in 0..<1", "\(betas.0), \(betas.1)")
        }
    }

    /// What holds for the parameters that are in no group.
    public var options: Options
    /// The groups, in the order in which they were asked for.
    public var groups: [ParameterGroup<Options>]
    private var time = 0
    private var moments: [(first: Tensor, second: Tensor)] = []

    /// The rate of the parameters that are in no group.
    public var learningRate: Double {
        get { options.learningRate }
        set { options.learningRate = newValue }
    }

    /// Descends with these options, and with others for groups of parameters.
    public init(
        learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8, weightDecay: Double = 0,
        isDecoupled: Bool = false, groups: [ParameterGroupRequest<Options>] = []
    ) {
        options = Options(
            learningRate: learningRate, betas: betas, epsilon: epsilon, weightDecay: weightDecay, isDecoupled: isDecoupled)
        self.groups = groups.map { [options] in $0.group(of: options) }
    }

    /// Adam with decoupled weight decay.
    public static func adamW(
        learningRate: Double = 1e-3, weightDecay: Double = 1e-2, groups: [ParameterGroupRequest<Options>] = []
    ) -> Adam {
        Adam(learningRate: learningRate, weightDecay: weightDecay, isDecoupled: true, groups: groups)
    }

    /// The parameters after a step.
    public mutating func step(_ parameters: [Tensor], gradients: [Tensor]) throws -> [Tensor] {
        try requireGradients(parameters, gradients, states: moments.map(\.first), "Adam")
        let options = try optionsByParameter(parameters.count, options, groups, "Adam")
        var (results, moved): ([Tensor], [(first: Tensor, second: Tensor)]) = ([], [])
        for (index, option) in options.enumerated() {
            try option.check()
            let parameter = parameters[index]
            let gradient =
                option.weightDecay != 0 && !option.isDecoupled ? gradients[index] + parameter * option.weightDecay : gradients[index]
            let old = try moments.isEmpty ? zeroMoments(of: parameter) : moments[index]
            let first = try (old.first * option.betas.0 + gradient * (1 - option.betas.0)).evaluated()
            let second = try (old.second * option.betas.1 + gradient.square() * (1 - option.betas.1)).evaluated()
            moved.append((first, second))
            let (bias, spread) = (1 - power(option.betas.0, time + 1), 1 - power(option.betas.1, time + 1))
            let direction = first * (1 / bias) / ((second * (1 / spread)).squareRoot() + option.epsilon)
            let kept = option.isDecoupled ? parameter * (1 - option.learningRate * option.weightDecay) : parameter
            results.append(try (kept - direction * option.learningRate).evaluated())
        }
        time += 1
        moments = moved
        return results
    }

    private func zeroMoments(of parameter: Tensor) throws -> (first: Tensor, second: Tensor) {
        let zero = try Tensor.zeros(parameter.shape, dtype: parameter.dtype, on: parameter.device)
        return (zero, zero)
    }

    private func power(_ base: Double, _ exponent: Int) -> Double { (0..<exponent).reduce(1) { result, _ in result * base } }
}
