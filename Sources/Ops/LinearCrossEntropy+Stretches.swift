import LossKitDevice
import LossKitKernels

/// The checked operands, every row of which counts.
struct LinearCrossEntropy: Sendable {
    let hidden: Tensor
    let weight: Tensor
    let bias: Tensor?
    let labels: Tensor
    let options: CrossEntropyOptions
    let filter: GradientFilter?
    /// Classes of one stretch.
    let stretch: Int

    init(hidden: Tensor, weight: Tensor, bias: Tensor?, labels: Tensor, options: CrossEntropyOptions, filter: GradientFilter?) throws {
        self.hidden = hidden
        self.weight = weight
        self.bias = bias
        self.labels = labels
        self.options = options
        self.filter = filter
        let (rows, classes) = (hidden.shape[0], weight.shape[0])
        // Both stretches of the backward pass take 3 % of the logits, as far as products of that width are worth while, and 128 MiB at most.
        let most = (1 << 24) / max(1, rows)
        stretch = max(1, min(classes, max(128, min(classes / 66, most)) / 16 * 16))
    }

    var rows: Int { hidden.shape[0] }
    var classes: Int { weight.shape[0] }
    var device: Device { hidden.device }
    var inputs: [Tensor] { [hidden, weight] + [bias].compactMap { $0 } }
    private var stretches: [Range<Int>] {
        Swift.stride(from: 0, to: classes, by: stretch).map { $0..<min(classes, $0 + stretch) }
    }

    /// The loss of each row, in the type of the hidden states.
    func losses() throws -> Tensor {
        guard rows > 0 else { return try .zeros([0], dtype: hidden.dtype, on: device) }
        let results = try self.results()
        let state = try Tensor.empty([rows * SoftmaxCrossEntropy.stateBytes / 4], dtype: .float32, on: device)
        let values = try self.values()
        for range in stretches {
            let logits = try Tensor.empty([rows, range.count], dtype: .float32, on: device)
            try values.logits(range, into: logits)
            try values.kernel(logits, range).stretch(
                state: state.output(), isFirst: range.lowerBound == 0, isLast: range.upperBound == classes, into: results.slices(), on: device)
        }
        let inputs = inputs
        return Tensor.record("linearCrossEntropy", inputs: inputs, output: results.loss) { pullback in
            let cotangent = pullback.cotangent
            if Tensor.records(inputs + [cotangent]) {
                return try gradient(at: inputs) { try (composed($0).asType(.float32) * cotangent.asType(.float32)).sum() }
            }
            return try gradients(values, results, cotangent: cotangent, isNeeded: pullback.isNeeded)
        }.asType(hidden.dtype)
    }

    /// Where the rows' results go.
    func results() throws -> CrossEntropyResults {
        CrossEntropyResults(
            loss: try .empty([rows], dtype: .float32, on: device), logPartition: try .empty([rows], dtype: .float32, on: device),
            mass: try .empty([rows], dtype: .float32, on: device), totals: try Tensor.zeros([4], on: device).evaluated(), predictions: nil)
    }

    /// The same in tensor operations, for derivatives of the derivative: this one holds the logits.
    func composed(_ inputs: [Tensor]) throws -> Tensor {
        var logits = try inputs[0].matmul(inputs[1].swappingAxes(0, 1))
        if inputs.count > 2 { logits = logits + inputs[2] }
        var rows = options
        rows.reduction = .none
        return try rowCrossEntropy(logits: logits, targets: .labels(labels, ignored: -1), options: rows).loss
    }

    /// The operands in float32 memory.
    func values() throws -> LinearCrossEntropyValues {
        func single(_ tensor: Tensor) throws -> Tensor { try stopGradient(tensor).asType(.float32).packed().evaluated() }
        return LinearCrossEntropyValues(
            hidden: try single(hidden), weight: try single(weight), bias: try bias.map(single), labels: labels,
            weights: try options.weights.map(single), scales: try options.rowScales.map(single), options: options)
    }

    func gradients(
        _ values: LinearCrossEntropyValues, _ results: CrossEntropyResults, cotangent: Tensor, isNeeded: [Bool]
    ) throws -> [Tensor?] {
        let features = hidden.shape[1]
        let (x, w) = (values.hidden, values.weight)
        let dHidden = try Tensor.zeros([rows, features], on: device).evaluated()
        let dWeight: Tensor? =
            if !isNeeded[1] { nil } else if filter == nil { try .empty([classes, features], dtype: .float32, on: device) } else {
                try .zeros([classes, features], on: device).evaluated()
            }
        let needsBias = isNeeded.count > 2 && isNeeded[2]
        let dBias = needsBias ? try Tensor.empty([classes], dtype: .float32, on: device) : nil
        let ones = needsBias ? try Tensor.ones([1, rows], on: device).evaluated() : nil
        let factors = try filter.map { _ in try rowFactors(cotangent) }
        for range in stretches {
            let count = range.count
            let slope = try Tensor.empty([rows, count], dtype: .float32, on: device)
            do {
                let logits = try Tensor.empty([rows, count], dtype: .float32, on: device)
                try values.logits(range, into: logits)
                try values.kernel(logits, range).backward(
                    results.slices(), cotangent: Tensor.rowCotangent(cotangent), logPartition: .init(factor: 0), gradient: slope.output(),
                    on: device)
            }
            let first = range.lowerBound
            for run in try filter?.kept(slope, factors: factors ?? []) ?? [0..<rows] {
                let g = try slope.slice().advanced(by: run.lowerBound * count)
                if isNeeded[0] {
                    try product(m: run.count, n: features, k: count, adds: true).run(
                        .plain(g, columns: count), .plain(w.slice().advanced(by: first * features), columns: features),
                        into: dHidden.output().advanced(by: run.lowerBound * features), on: device)
                }
                if let dWeight {
                    try product(m: count, n: features, k: run.count, adds: filter != nil).run(
                        MatrixOperand(slice: g, rowStride: 1, columnStride: count, batchStride: 0),
                        .plain(x.slice().advanced(by: run.lowerBound * features), columns: features),
                        into: dWeight.output().advanced(by: first * features), on: device)
                }
            }
            if let dBias, let ones {
                try Matmul(batch: 1, m: 1, n: count, k: rows, isDouble: false).run(
                    .plain(ones.slice(), columns: rows), .plain(slope.slice(), columns: count), into: dBias.output().advanced(by: first),
                    on: device)
            }
        }
        return [dHidden.asType(hidden.dtype), dWeight?.asType(weight.dtype), bias.flatMap { bias in dBias?.asType(bias.dtype) }]
    }

    /// What each row's slopes are multiplied with.
    private func rowFactors(_ cotangent: Tensor) throws -> [Float] {
        let scaled = options.rowScales.map { stopGradient($0).asType(.float32) * cotangent.asType(.float32) } ?? cotangent
        return try scaled.asType(.float32).broadcast(to: [rows]).array(of: Float.self)
    }

    private func product(m: Int, n: Int, k: Int, adds: Bool) -> Matmul {
        var product = Matmul(batch: 1, m: m, n: n, k: k, isDouble: false)
        product.accumulates = adds
        return product
    }
}

/// What the kernels read.
struct LinearCrossEntropyValues: Sendable {
    let hidden: Tensor
    let weight: Tensor
    let bias: Tensor?
    let labels: Tensor
    let weights: Tensor?
    let scales: Tensor?
    let options: CrossEntropyOptions

    func logits(_ range: Range<Int>, into logits: Tensor) throws {
        let (rows, features) = (hidden.shape[0], hidden.shape[1])
        try Matmul(batch: 1, m: rows, n: range.count, k: features, isDouble: false).run(
            .plain(hidden.slice(), columns: features),
            MatrixOperand(
                slice: weight.slice().advanced(by: range.lowerBound * features), rowStride: 1, columnStride: features, batchStride: 0),
            into: logits.output(), on: hidden.device)
    }

    func kernel(_ logits: Tensor, _ range: Range<Int>) throws -> SoftmaxCrossEntropy {
        var kernel = SoftmaxCrossEntropy(
            rows: hidden.shape[0], classes: range.count, logits: try logits.slice(), type: .float32,
            targets: .labels(try labels.slice(), ignored: -1))
        (kernel.firstClass, kernel.totalClasses) = (range.lowerBound, weight.shape[0])
        kernel.bias = try bias?.slice()
        kernel.weights = try weights?.slice()
        kernel.scales = try scales?.slice()
        (kernel.smoothing, kernel.zLoss) = (Float(options.smoothing), Float(options.zLoss))
        (kernel.softCap, kernel.temperature) = (Float(options.softCap ?? 0), Float(options.temperature))
        return kernel
    }
}

extension MatrixOperand {
    /// Rows one after the other.
    fileprivate static func plain(_ slice: BufferSlice, columns: Int) -> MatrixOperand {
        MatrixOperand(slice: slice, rowStride: columns, columnStride: 1, batchStride: 0)
    }
}
