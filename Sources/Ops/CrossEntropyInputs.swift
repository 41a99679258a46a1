import LossKitDevice
import LossKitKernels

/// The checked operands of one cross-entropy.
struct CrossEntropyInputs: Sendable {
    /// [rows, classes], or [rows / inner, classes, inner].
    let logits: Tensor
    let rows: Int
    let classes: Int
    let inner: Int
    let labels: Tensor?
    let masses: Tensor?
    let weights: Tensor?
    let scales: Tensor?
    let ignored: Int
    let options: CrossEntropyOptions

    init(logits: Tensor, targets: RowTargets, options: CrossEntropyOptions) throws {
        let operation = "crossEntropy"
        guard logits.rank == 2 || logits.rank == 3, logits.dtype.isFloatingPoint else {
            throw TensorError.shapeMismatch(operation: operation, expected: "floating-point logits [rows, classes]", actual: [logits.shape])
        }
        (classes, inner) = (logits.shape[1], logits.rank == 3 ? logits.shape[2] : 1)
        rows = logits.shape[0] * inner
        let rows = rows
        try options.check(operation, rows: rows, classes: classes)
        func vector(_ tensor: Tensor?) throws -> Tensor? { try tensor.map { try stopGradient($0).asType(.float32).packed().evaluated() } }
        weights = try vector(options.weights)
        scales = try vector(options.rowScales)
        switch targets {
        case .labels(let given, let ignored):
            guard try !given.checked().dtype.isFloatingPoint, given.shape == [rows] else {
                throw given.dtype.isFloatingPoint
                    ? TensorError.dtypeMismatch(operation: operation, expected: "integer class indices [rows]", actual: [given.dtype])
                    : TensorError.shapeMismatch(operation: operation, expected: "targets [\(rows)]", actual: [given.shape])
            }
            let readable = given.dtype == .int32 ? given : given.asType(.int64)
            (labels, self.ignored, masses) = (try readable.packed().evaluated(), ignored, nil)
        case .masses(let given):
            guard try given.checked().shape == logits.shape, given.dtype.isFloatingPoint else {
                throw TensorError.shapeMismatch(operation: operation, expected: "target masses \(logits.shape)", actual: [given.shape])
            }
            (labels, ignored, masses) = (nil, -1, try stopGradient(given).asType(.float32).packed().evaluated())
        case .none: (labels, ignored, masses) = (nil, -1, nil)
        }
        for operand in [labels, masses, weights, scales].compactMap({ $0 }) where operand.device != logits.device {
            throw TensorError.deviceMismatch(operation: operation, devices: ["\(logits.device)", "\(operand.device)"])
        }
        self.logits = try stopGradient(logits).packed().evaluated()
        self.options = options
    }

    func kernel() throws -> SoftmaxCrossEntropy {
        let targets: SoftmaxCrossEntropy.Targets
        if let labels {
            targets = .labels(try labels.slice(), ignored: ignored)
        } else if let masses {
            targets = .masses(try masses.slice())
        } else {
            targets = .none
        }
        var kernel = SoftmaxCrossEntropy(
            rows: rows, classes: classes, logits: try logits.slice(), type: logits.dtype, targets: targets)
        kernel.inner = inner
        kernel.weights = try weights?.slice()
        kernel.scales = try scales?.slice()
        kernel.smoothing = Float(options.smoothing)
        kernel.zLoss = Float(options.zLoss)
        kernel.softCap = Float(options.softCap ?? 0)
        kernel.temperature = Float(options.temperature)
        kernel.reduction = options.reduction
        kernel.readsIgnored = options.readsIgnored
        return kernel
    }

    /// No rows: nothing, the sum 0 or the mean NaN.
    func ofNothing(dtype: DType) throws -> RowCrossEntropy {
        let device = logits.device
        let loss: Tensor =
            switch options.reduction {
            case .none: try .zeros([0], dtype: dtype, on: device)
            case .sum: try .zeros([], dtype: dtype, on: device)
            case .mean: try .full([], .nan, dtype: dtype, on: device)
            }
        return RowCrossEntropy(
            loss: loss, logPartition: try .zeros([0], on: device),
            predictions: options.wantsPredictions ? try .zeros([0], dtype: .int32, on: device) : nil,
            accuracy: options.wantsPredictions && labels != nil ? try .full([], .nan, on: device) : nil)
    }

    /// The logits' gradient: by the fused kernel, or in tensor operations while it is itself being differentiated.
    func gradient(at point: Tensor, _ results: CrossEntropyResults, cotangent: Tensor?, logPartition: Tensor?) throws -> Tensor {
        if Tensor.records([point] + [cotangent, logPartition].compactMap({ $0 })) {
            return try differentiableGradient(at: point, denominator: results.totals, cotangent: cotangent, logPartition: logPartition)
        }
        let gradient = try Tensor.empty(logits.shape, dtype: logits.dtype, on: logits.device)
        try kernel().backward(
            results.slices(), cotangent: Tensor.rowCotangent(cotangent), logPartition: Tensor.rowCotangent(logPartition),
            gradient: gradient.output(), on: logits.device)
        return gradient
    }

    private func differentiableGradient(at point: Tensor, denominator: Tensor, cotangent: Tensor?, logPartition: Tensor?) throws -> Tensor {
        let x = point.asType(.float32)
        let slope: Tensor?
        var z = x
        if let cap = options.softCap {
            let t = (x / cap).tanh()
            slope = (1 - t * t) / options.temperature
            z = t * cap
        } else {
            slope = options.temperature == 1 ? nil : try .full([], 1 / options.temperature, on: x.device)
        }
        if options.temperature != 1 { z = z / options.temperature }
        let partition = try z.logSumExp(axes: [1], keepDimensions: true)
        let p = (z - partition).exp()
        var gradient = try Tensor.zeros([], on: x.device)
        let (target, isValid) = try targetMasses()
        if let cotangent, labels != nil || masses != nil || options.zLoss != 0 {
            var row = cotangent.asType(.float32)
            if row.rank == 1 { row = try beside(row) }
            if let scales { row = try row * beside(scales) }
            if options.reduction == .mean {
                let divisor = denominator.element(1)
                row = Tensor.select(divisor .== 0, try .zeros([], on: x.device), row / divisor)
            }
            let mass = try target.sum(axes: [1], keepDimensions: true) + partition * (2 * options.zLoss)
            gradient = row * (mass * p - target) * isValid
        }
        if let logPartition {
            let own = try beside(logPartition.asType(.float32))
            gradient = gradient + own * p * (options.readsIgnored ? try .ones([], on: x.device) : isValid)
        }
        if let slope { gradient = gradient * slope }
        return try gradient.broadcast(to: x.shape).asType(point.dtype)
    }

    /// Numbers of the rows where they can stand beside the logits.
    private func beside(_ rows: Tensor) throws -> Tensor {
        try rows.reshaped(logits.rank == 2 ? [self.rows, 1] : [logits.shape[0], 1, inner])
    }

    /// Numbers of the classes likewise.
    private func across(_ classes: Tensor) throws -> Tensor { logits.rank == 2 ? classes : try classes.expandedDimensions(at: 1) }

    /// q of every row, and 1 or 0 for rows that count.
    private func targetMasses() throws -> (Tensor, Tensor) {
        let (device, smoothing) = (logits.device, options.smoothing)
        let share = classes > 0 ? smoothing / Double(classes) : 0
        let weight = try across(weights ?? .ones([classes], on: device))
        if let masses { return (weight * (masses * (1 - smoothing) + share), try .ones([], on: device)) }
        guard let labels else { return (try .zeros(logits.shape, on: device), try .ones([], on: device)) }
        let column = try beside(labels)
        let hot = try (column .== across(Tensor.arange(to: Double(classes), on: device))).asType(.float32)
        return (hot * weight * (1 - smoothing) + weight * share, (column .!= Double(ignored)).asType(.float32))
    }
}

extension CrossEntropyOptions {
    func check(_ operation: String, rows: Int, classes: Int) throws {
        func require(_ condition: Bool, _ expected: String, _ actual: Double) throws {
            guard !condition else { return }
            throw TensorError.invalidArgument(operation: operation, expected: expected, actual: "\(actual)")
        }
        try require((0...1).contains(smoothing), "label smoothing in 0...1", smoothing)
        try require(zLoss.isFinite, "a finite z-loss weight", zLoss)
        try require(temperature > 0 && temperature.isFinite, "a temperature above 0", temperature)
        try require(softCap.map { $0 > 0 && $0.isFinite } ?? true, "a soft cap above 0", softCap ?? 0)
        for (tensor, count, name) in [(weights, classes, "weights"), (rowScales, rows, "row scales")] {
            guard let tensor, try tensor.checked().shape != [count] || !tensor.dtype.isFloatingPoint else { continue }
            throw TensorError.shapeMismatch(operation: operation, expected: "floating-point \(name) [\(count)]", actual: [tensor.shape])
        }
    }
}
