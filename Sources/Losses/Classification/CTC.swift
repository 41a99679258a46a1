import LossKitOps

/// Connectionist temporal classification: the probability of a label sequence, summed over all its alignments with the frames.
///
/// `-log sum_paths prod_t p_t(path_t)` over the paths that give the labels once repeats are merged and blanks dropped.
/// Gradient to the log-probabilities: minus the posterior probability of each class at each frame.
///
/// - Parameters:
///   - logProbabilities: [T, N, C], T >= 1; log-softmax of the logits.
///   - targets: [N, S], integers: the labels, `targetLengths` of each row; the rest is not read.
///   - inputLengths: [N], integers in 1...T.
///   - targetLengths: [N], integers in 0...S.
///   - blank: The class that stands for nothing.
///   - zeroInfinity: Whether sequences without any alignment have a loss of 0 rather than infinity; their gradient is 0 either way.
///   - reduction: The mean divides each loss by its target's length (at least 1) before averaging over the batch, as PyTorch does.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` for a label that is blank or no class, or a length out of
///   range;
///   shape and type mismatches; ``TensorError/notDifferentiable(operation:order:)`` where the gradient is differentiated again.
/// - Note: Forward and backward recursions in logarithms, a launch each whatever the number of frames; float32 inside, shifted at each frame, so
///   that long sequences lose no digits. PyTorch's `ctc_loss`.
///   Graves et al., Connectionist Temporal Classification, 2006.
public func ctc(
    logProbabilities: Tensor, targets: Tensor, inputLengths: Tensor, targetLengths: Tensor,
    blank: Int = 0, zeroInfinity: Bool = false,
    reduction: Reduction = .mean
) throws -> Tensor {
    let lattice = try AlignmentLattice(
        logProbabilities, targets, inputLengths, targetLengths, blank: blank)
    guard lattice.rows > 0 else { return try reduction(logProbabilities.sum(axes: [0, 2])) }
    var elements = try lattice.losses(of: logProbabilities)
    let isImpossible = elements .> 1e29
    elements = Tensor.select(
        isImpossible, try elements.constant(zeroInfinity ? 0 : .infinity), elements)
    if reduction == .mean { elements = elements / lattice.lengths }
    return try reduction(elements.asType(logProbabilities.dtype))
}

/// The states of a batch's alignments: a blank before, between and after each row's labels.
private struct AlignmentLattice: Sendable {
    let rows: Int
    private let frames: Int
    private let states: Int
    private let classes: Int
    /// Where each row's states find their class in [N C].
    private let places: [Int]
    /// 0 where a state may be entered from two before, else the logarithm of nothing; [N, L].
    private let skips: Tensor
    private let inputLengths: Tensor
    private let targetLengths: Tensor
    /// The target lengths, at least 1; [N].
    let lengths: Tensor

    init(
        _ logProbabilities: Tensor, _ targets: Tensor, _ inputLengths: Tensor, _ targetLengths: Tensor,
        blank: Int
    ) throws {
        let operation = "ctc"
        try requireShape(logProbabilities, [nil, nil, nil], "log-probabilities", operation)
        try requireFloatingPoint(logProbabilities, operation)
        (frames, rows, classes) = (
            logProbabilities.shape[0], logProbabilities.shape[1], logProbabilities.shape[2]
        )
        try require(frames >= 1, operation, "a frame or more", frames)
        try require((0..<classes).contains(blank), operation, "blank in 0..<\(classes)", blank)
        try requireShape(targets, [rows, nil], "targets", operation)
        try requireShape(inputLengths, [rows], "input lengths", operation)
        try requireShape(targetLengths, [rows], "target lengths", operation)
        for integers in [targets, inputLengths, targetLengths] where integers.dtype.isFloatingPoint {
            throw TensorError.dtypeMismatch(
                operation: operation, expected: "integer targets and lengths", actual: [integers.dtype])
        }
        let width = targets.shape[1]
        let labels = try targets.array(of: Int.self)
        let frameCounts = try inputLengths.array(of: Int.self)
        let sizes = try targetLengths.array(of: Int.self)
        for (row, length) in frameCounts.enumerated() where !(1...frames).contains(length) {
            throw TensorError.indexOutOfRange(
                operation: "ctc inputLengths", position: row, index: length, bound: frames + 1)
        }
        for (row, length) in sizes.enumerated() where !(0...width).contains(length) {
            throw TensorError.indexOutOfRange(
                operation: "ctc targetLengths", position: row, index: length, bound: width + 1)
        }
        states = 2 * (sizes.max() ?? 0) + 1
        var places: [Int] = []
        var skips = [Float](repeating: -1e30, count: rows * states)
        for row in 0..<rows {
            for state in 0..<states {
                let index = state / 2
                guard state % 2 == 1, index < sizes[row] else {
                    places.append(row * classes + blank)
                    continue
                }
                let label = labels[row * width + index]
                guard (0..<classes).contains(label), label != blank else {
                    throw TensorError.indexOutOfRange(
                        operation: "ctc targets", position: row * width + index, index: label, bound: classes)
                }
                places.append(row * classes + label)
                if index > 0, labels[row * width + index - 1] != label { skips[row * states + state] = 0 }
            }
        }
        let device = logProbabilities.device
        self.places = places
        self.skips = try Tensor(skips, shape: [rows, states], on: device)
        (self.inputLengths, self.targetLengths) = (inputLengths, targetLengths)
        lengths = try Tensor(sizes.map { Float(max(1, $0)) }, on: device)
    }

    /// The log-probabilities of each row's states at each frame; [T, N, L].
    func emissions(of logProbabilities: Tensor) throws -> Tensor {
        let byClass = try logProbabilities.transposed([1, 2, 0]).reshaped([rows * classes, frames])
        let byState = try byClass.rows(at: Tensor(places, on: logProbabilities.device))
        return try byState.reshaped([rows, states, frames]).transposed([2, 0, 1])
    }

    /// The negative log-likelihood of each row's labels, above 1e29 where they have no alignment.
    func losses(of logProbabilities: Tensor) throws -> Tensor {
        try alignmentLosses(emissions: emissions(of: logProbabilities), skips: skips, lengths: inputLengths, sizes: targetLengths)
    }
}

extension LossDescription {
    static let ctcLoss = LossDescription(
        "ctc", .classification, "The probability of a label sequence over all its alignments",
        reference:
            "Graves et al., Connectionist Temporal Classification: Labelling Unsegmented Sequence Data, 2006",
        inputs: [
            .init("logProbabilities", ["t", "n", "classes"], .real(-4...(-0.1))),
            .init("targets", ["n", "e"], .classes("classes", from: 1)),
            .init("inputLengths", ["n"], .lengths("t")), .init("targetLengths", ["n"], .lengths("e")),
        ],
        options: [.integer("blank", 0), .flag("zeroInfinity", false), .reduction]
    ) {
        try ctc(
            logProbabilities: $0["logProbabilities"], targets: $0["targets"],
            inputLengths: $0["inputLengths"],
            targetLengths: $0["targetLengths"], blank: $0.integer("blank"),
            zeroInfinity: $0.flag("zeroInfinity"), reduction: $0.reduction())
    }
}
