import LossKitKernels

/// Changes parameters a step along their gradients.
public protocol Optimizer {
    /// Multiplied into every step; a schedule sets it before each.
    var learningRate: Double { get set }

    /// The parameters after a step.
    mutating func step(_ parameters: [Tensor], gradients: [Tensor]) throws -> [Tensor]
}

/// Checks that there is one gradient of the right shape for each parameter.
private func requireGradients(_ parameters: [Tensor], _ gradients: [Tensor], _ operation: String) throws {
    guard parameters.count == gradients.count, zip(parameters, gradients).allSatisfy({ $0.shape == $1.shape }) else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "a gradient for each parameter, of shapes \(parameters.map(\.shape))", actual: gradients.map(\.shape))
    }
}

/// Stochastic gradient descent with momentum: `v = momentum v + g + weightDecay p; p = p - rate v` (with Nesterov `p - rate (g + momentum v)`).
public struct SGD: Optimizer {
    /// The step's size, which a schedule may change between steps.
    public var learningRate: Double
    private let momentum: Double
    private let weightDecay: Double
    private let nesterov: Bool
    private var velocities: [Tensor] = []

    /// Plain descent, unless there is momentum or weight decay.
    public init(learningRate: Double, momentum: Double = 0, weightDecay: Double = 0, nesterov: Bool = false) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.nesterov = nesterov
    }

    /// The parameters after one step down their gradients; see ``Optimizer``.
    public mutating func step(_ parameters: [Tensor], gradients: [Tensor]) throws -> [Tensor] {
        try requireGradients(parameters, gradients, "SGD")
        let decayed = zip(parameters, gradients).map { weightDecay == 0 ? $1 : $1 + $0 * weightDecay }
        guard momentum != 0 else { return try zip(parameters, decayed).map { try ($0 - $1 * learningRate).evaluated() } }
        velocities = velocities.isEmpty ? decayed : try zip(velocities, decayed).map { try ($0 * momentum + $1).evaluated() }
        return try parameters.indices.map { index in
            let direction = nesterov ? decayed[index] + velocities[index] * momentum : velocities[index]
            return try (parameters[index] - direction * learningRate).evaluated()
        }
    }
}

/// Adam: `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = p - rate m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon)`.
///
/// Weight decay is added to the gradient, or with `isDecoupled` taken from the parameter as AdamW does.
/// Kingma and Ba, Adam, 2015; Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019.
public struct Adam: Optimizer {
    /// The step's size, which a schedule may change between steps.
    public var learningRate: Double
    private let betas: (Double, Double)
    private let epsilon: Double
    private let weightDecay: Double
    private let isDecoupled: Bool
    private var time = 0
    private var moments: [(first: Tensor, second: Tensor)] = []

    /// The paper's settings, without weight decay, unless others are given.
    public init(
        learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8, weightDecay: Double = 0,
        isDecoupled: Bool = false
    ) {
        self.learningRate = learningRate
        self.betas = betas
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.isDecoupled = isDecoupled
    }

    /// Adam with decoupled weight decay.
    public static func adamW(learningRate: Double = 1e-3, weightDecay: Double = 1e-2) -> Adam {
        Adam(learningRate: learningRate, weightDecay: weightDecay, isDecoupled: true)
    }

    /// The parameters after one step down their gradients; see ``Optimizer``.
    public mutating func step(_ parameters: [Tensor], gradients: [Tensor]) throws -> [Tensor] {
        try requireGradients(parameters, gradients, "Adam")
        time += 1
        if moments.isEmpty {
            moments = try parameters.map {
                let zero = try Tensor.zeros($0.shape, dtype: $0.dtype, on: $0.device)
                return (zero, zero)
            }
        }
        var results: [Tensor] = []
        let correction = (1 - power(betas.0, time), 1 - power(betas.1, time))
        for (index, parameter) in parameters.enumerated() {
            let gradient = weightDecay != 0 && !isDecoupled ? gradients[index] + parameter * weightDecay : gradients[index]
            let first = try (moments[index].first * betas.0 + gradient * (1 - betas.0)).evaluated()
            let second = try (moments[index].second * betas.1 + gradient.square() * (1 - betas.1)).evaluated()
            moments[index] = (first, second)
            let direction = first * (1 / correction.0) / ((second * (1 / correction.1)).squareRoot() + epsilon)
            let kept = isDecoupled ? parameter * (1 - learningRate * weightDecay) : parameter
            results.append(try (kept - direction * learningRate).evaluated())
        }
        return results
    }

    private func power(_ base: Double, _ exponent: Int) -> Double { (0..<exponent).reduce(1) { result, _ in result * base } }
}
