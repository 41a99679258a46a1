import LossKitKernels

/// What a cross-entropy takes beside logits and targets, each with the default that changes nothing.
///
/// ```swift
/// crossEntropy(logits: z, targets: y, options: CrossEntropyOptions(labelSmoothing: 0.1, zLoss: 1e-4, softCap: 30))
/// ```
public struct CrossEntropyOptions: Sendable {
    /// What becomes of the rows' losses; the mean divides by the sum of the rows' weights, those of their labels.
    package typealias Reduction = SoftmaxCrossEntropy.Reduction

    /// A weight of each class, [C], not negative.
    public var weights: Tensor?
    /// Rows with this class index count for nothing.
    public var ignoreIndex: Int
    /// In 0...1: the share of every target that is spread evenly over the classes.
    public var labelSmoothing: Double
    /// The weight of the squared log-partition, which keeps logits small.
    public var zLoss: Double
    /// c in `c tanh(x / c)`, which stands for the logit x; above 0.
    public var softCap: Double?
    /// What the (capped) logits are divided by; above 0.
    public var temperature: Double
    /// A factor of each row's loss, of the shape of class indices. The mean still divides by the targets' weights alone; no derivative is carried
    /// to it.
    public var rowScales: Tensor?

    package var reduction = Reduction.none
    /// Whether the largest class of each row is wanted, and the share of rows where it is the label.
    package var wantsPredictions = false
    /// Whether log-partitions and predictions are wanted of ignored rows, too.
    package var readsIgnored = false

    /// The label smoothing as the formula has it.
    package var smoothing: Double {
        get { labelSmoothing }
        set { labelSmoothing = newValue }
    }

    /// Options of which only those that are given differ from the plain loss.
    public init(
        weights: Tensor? = nil, ignoreIndex: Int = -100, labelSmoothing: Double = 0, zLoss: Double = 0, softCap: Double? = nil,
        temperature: Double = 1, rowScales: Tensor? = nil
    ) {
        self.weights = weights
        self.ignoreIndex = ignoreIndex
        self.labelSmoothing = labelSmoothing
        self.zLoss = zLoss
        self.softCap = softCap
        self.temperature = temperature
        self.rowScales = rowScales
    }
}
