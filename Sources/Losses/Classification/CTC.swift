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
/// - Note: Forward and backward recursions in logarithms, a few launches for each frame. PyTorch's `ctc_loss`.
///   Graves et al., Connectionist Temporal Classification, 2006.
public func ctc(
    logProbabilities: Tensor, targets: Tensor, inputLengths: Tensor, targetLengths: Tensor,
    blank: Int = 0, zeroInfinity: Bool = false,
    reduction: Reduction = .mean
) throws -> Tensor {
    let lattice = try AlignmentLattice(
        logProbabilities, targets, inputLengths, targetLengths, blank: blank)
    guard lattice.rows > 0 else { return try reduction(logProbabilities.sum(axes: [0, 2])) }
    let emissions = try lattice.emissions(of: logProbabilities)
    var elements = try customVJP([emissions]) { given in
        let alphas = try lattice.forward(given[0])
        let likelihood = try lattice.likelihood(alphas)
        return (
            -likelihood,
            { cotangent in
                guard !Tensor.records([emissions, cotangent]) else {
                    throw TensorError.notDifferentiable(operation: "ctc", order: 2)
                }
                return [
                    try lattice.posteriors(stopGradient(emissions), alphas, likelihood)
                        * cotangent.expandedDimensions(at: 1) * -1
                ]
            }
        )
    }
    let isImpossible = elements .> 1e29
    elements = Tensor.select(
        isImpossible, try elements.constant(zeroInfinity ? 0 : .infinity), elements)
    if reduction == .mean { elements = elements / lattice.lengths }
    return try reduction(elements.asType(logProbabilities.dtype))
}

/// The states of a batch's alignments: a blank before, between and after each row's labels.
private struct AlignmentLattice: Sendable {
    let rows: Int
    let frames: Int
    private let states: Int
    private let classes: Int
    /// Where each row's states find their class in [N C].
    private let places: [Int]
    /// 0 where a state may be entered from two before, else the logarithm of nothing; [N, L].
    private let skips: Tensor
    /// 0 at the states a row may end in; [N, L].
    private let ends: Tensor
    private let inputLengths: [Int]
    private let lengthColumn: Tensor
    /// The target lengths, at least 1; [N].
    let lengths: Tensor

    /// Stands for log 0 and adds up without becoming infinite.
    private static let nothing = -1e30

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
        self.inputLengths = try inputLengths.array(of: Int.self)
        let sizes = try targetLengths.array(of: Int.self)
        for (row, length) in self.inputLengths.enumerated() where !(1...frames).contains(length) {
            throw TensorError.indexOutOfRange(
                operation: "ctc inputLengths", position: row, index: length, bound: frames + 1)
        }
        for (row, length) in sizes.enumerated() where !(0...width).contains(length) {
            throw TensorError.indexOutOfRange(
                operation: "ctc targetLengths", position: row, index: length, bound: width + 1)
        }
        states = 2 * (sizes.max() ?? 0) + 1
        var places: [Int] = []
        var skips = [Float](repeating: Float(Self.nothing), count: rows * states)
        var ends = skips
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
            for state in [2 * sizes[row], 2 * sizes[row] - 1] where state >= 0 {
                ends[row * states + state] = 0
            }
        }
        let device = logProbabilities.device
        self.places = places
        self.skips = try Tensor(skips, shape: [rows, states], on: device)
        self.ends = try Tensor(ends, shape: [rows, states], on: device)
        lengthColumn = try Tensor(self.inputLengths.map { Float($0) }, shape: [rows, 1], on: device)
        lengths = try Tensor(sizes.map { Float(max(1, $0)) }, on: device)
    }

    /// The log-probabilities of each row's states at each frame; [T, N, L].
    func emissions(of logProbabilities: Tensor) throws -> Tensor {
        // 16-bit storage does not hold the logarithm of nothing.
        let byClass = try logProbabilities.widened.transposed([1, 2, 0]).reshaped([rows * classes, frames])
        let byState = try byClass.rows(at: Tensor(places, on: logProbabilities.device))
        return try byState.reshaped([rows, states, frames]).transposed([2, 0, 1])
    }

    private func frame(_ t: Int, of emissions: Tensor) -> Tensor {
        emissions[t].clamped(min: Self.nothing)
    }

    /// log(exp(a) + exp(b) + exp(c)) of numbers that are not infinite.
    private func sum(_ a: Tensor, _ b: Tensor, _ c: Tensor) -> Tensor {
        let peak = Tensor.maximum(Tensor.maximum(a, b), c)
        let total = (a - peak).exp() + (b - peak).exp() + (c - peak).exp()
        return peak + total.log()
    }

    /// The log-probability of all beginnings that reach a state, at each frame; frames past a row's end repeat its last.
    func forward(_ given: Tensor) throws -> [Tensor] {
        let emissions = given.packed()
        let nothing = try Tensor.full(
            [rows, 2], Self.nothing, dtype: emissions.dtype, on: emissions.device)
        let state = try Tensor.arange(to: Double(states), on: emissions.device)
        let start = Tensor.select(
            state .< 2, try emissions.constant(0), try emissions.constant(Self.nothing))
        var alphas = [try (start + frame(0, of: emissions)).evaluated()]
        for t in 1..<max(1, frames) {
            let before = alphas[t - 1]
            let padded = try Tensor.concatenate([nothing, before], axis: 1)
            let (one, two) = try (
                padded.slice(axis: 1, from: 1, to: states + 1), padded.slice(axis: 1, from: 0, to: states)
            )
            let reached = sum(before, one, two + skips) + frame(t, of: emissions)
            alphas.append(try Tensor.select(lengthColumn .> Double(t), reached, before).evaluated())
        }
        return alphas
    }

    /// The log-probability of each row's labels; [N].
    func likelihood(_ alphas: [Tensor]) throws -> Tensor {
        try (alphas[alphas.count - 1] + ends).logSumExp(axes: [1]).evaluated()
    }

    /// The posterior probability of each state at each frame; [T, N, L], 0 past a row's end and where there is no alignment.
    func posteriors(_ given: Tensor, _ alphas: [Tensor], _ likelihood: Tensor) throws -> Tensor {
        let emissions = given.packed()
        let nothing = try Tensor.full(
            [rows, 2], Self.nothing, dtype: emissions.dtype, on: emissions.device)
        let zero = try emissions.constant(0)
        let isPossible = try likelihood.expandedDimensions(at: 1) .> -1e29
        // What leaves a state two on is allowed where that state may be skipped to.
        let ahead = try Tensor.concatenate([skips.asType(emissions.dtype), nothing], axis: 1).slice(
            axis: 1, from: 2, to: states + 2)
        var results: [Tensor] = []
        var beta = ends.asType(emissions.dtype)
        for t in stride(from: frames - 1, through: 0, by: -1) {
            if t < frames - 1 {
                let next = beta + frame(t + 1, of: emissions)
                let padded = try Tensor.concatenate([next, nothing], axis: 1)
                let (one, two) = try (
                    padded.slice(axis: 1, from: 1, to: states + 1),
                    padded.slice(axis: 1, from: 2, to: states + 2)
                )
                let left = sum(next, one, two + ahead)
                beta = try Tensor.select(lengthColumn .> Double(t + 1), left, ends).evaluated()
            }
            let isFrame = (lengthColumn .> Double(t)) .&& isPossible
            // Normalised at each frame: both recursions carry the rounding of a large logarithm.
            results.append(try Tensor.select(isFrame, (alphas[t] + beta).softmax(axis: 1), zero).evaluated())
        }
        return try Tensor.stack(results.reversed())
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
