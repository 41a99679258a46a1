import CLossKitHost
import LossKitDevice

/// Softmax cross-entropy of logits [rows, classes] in float32 or a 16-bit type, its sum over the rows, and its gradient.
///
/// With z = cap tanh(x / cap) / temperature of the logits x, target masses q and L the log-partition of z:
/// loss = scale (sum_k q_k (L - z_k) + zLoss L^2), its gradient for z scale ((sum q + 2 zLoss L) softmax(z) - q). Class indices y with
/// smoothing s and weights w stand for q_k = (1 - s) w_y [k = y] + s w_k / C; given masses t for q_k = w_k ((1 - s) t_k + s / C).
/// The loss and gradient of a row of minus infinities, and of an ignored one, are 0.
package struct SoftmaxCrossEntropy: Sendable {
    /// What each row should be.
    package enum Targets: Sendable {
        /// Class indices, int32 or int64.
        case labels(BufferSlice, ignored: Int)
        /// A mass for each class, float32.
        case masses(BufferSlice)
        /// Nothing: only log-partitions and predictions are wanted.
        case none
    }

    package enum Reduction: Int32, Sendable { case none, sum, mean }

    package var rows: Int
    package var classes: Int
    package var logits: BufferSlice
    package var logitsType: DType
    package var targets: Targets
    /// One for each class.
    package var weights: BufferSlice?
    /// One for each row.
    package var scales: BufferSlice?
    package var smoothing: Float = 0
    package var zLoss: Float = 0
    /// 0 for none.
    package var softCap: Float = 0
    package var temperature: Float = 1
    package var reduction = Reduction.none
    /// Whether log-partitions and predictions are wanted of ignored rows, too.
    package var readsIgnored = false
    /// Added to the logits, one for each of all classes.
    package var bias: BufferSlice?
    /// The logits may be a stretch of all classes, from this one on.
    package var firstClass = 0
    package var totalClasses: Int
    /// Above 1: the logits are [outer, classes, inner], and so is their gradient; see ``takesRowsApart(classes:on:)``.
    package var inner = 1

    /// Whether rows may be taken from logits [outer, classes, inner] without packing them first, class indices being their targets.
    package static func takesRowsApart(classes: Int, on device: Device) -> Bool {
        !device.isOpenCL && classes <= losskit_cross_entropy_apart_classes
    }

    package init(rows: Int, classes: Int, logits: BufferSlice, type: DType, targets: Targets) {
        self.rows = rows
        self.classes = classes
        totalClasses = classes
        self.logits = logits
        logitsType = type
        self.targets = targets
    }

    /// Where the results of the forward pass go, float32: [rows], but for four totals: the reduced loss, the sum of the row weights,
    /// the share of right predictions and the number of rows that count.
    package struct Results: Sendable {
        package var loss: BufferSlice
        package var logPartition: BufferSlice
        package var mass: BufferSlice
        package var totals: BufferSlice
        /// int32; -1 for a row with a NaN.
        package var predictions: BufferSlice?

        package init(
            loss: BufferSlice, logPartition: BufferSlice, mass: BufferSlice, totals: BufferSlice, predictions: BufferSlice? = nil
        ) {
            self.loss = loss
            self.logPartition = logPartition
            self.mass = mass
            self.totals = totals
            self.predictions = predictions
        }
    }

    /// A factor for every row, times one number for each where there is a buffer.
    package struct Cotangent: Sendable {
        package var factor: Float
        package var values: BufferSlice?
        package var stride: Int

        package init(factor: Float, values: BufferSlice? = nil, stride: Int = 0) {
            self.factor = factor
            self.values = values
            self.stride = stride
        }
    }

    var reads: [BufferSlice] { [logits, labels ?? logits, masses ?? logits, weights ?? logits, scales ?? logits, bias ?? logits] }
    var bytes: Int { rows * classes * logitsType.byteCount }

    private var labels: BufferSlice? {
        if case .labels(let labels, _) = targets { labels } else { nil }
    }
    private var masses: BufferSlice? {
        if case .masses(let masses) = targets { masses } else { nil }
    }

    /// Writes what belongs to the rows and to all of them together.
    ///
    /// - Parameter offence: The error for a row and a class index in it that is neither a class nor ignored. On the CPU it is thrown at once;
    ///   on an OpenCL device by whatever reads a result.
    package func forward(into results: Results, on device: Device, offence: @escaping @Sendable (Int, Int) -> any Error) throws {
        guard rows > 0 else { return }
        var options = options
        options.wants_predictions = results.predictions == nil ? 0 : 1
        let outputs = [results.loss, results.logPartition, results.mass, results.predictions ?? results.loss, results.totals]
        try device.run(
            "cross_entropy_forward", shape: [rows, classes], reads: reads, writes: outputs, bytes: bytes,
            host: { pointers in
                var call = call(options, pointers)
                call.loss = pointers.write(0)
                call.log_partition = pointers.write(1)
                call.mass = pointers.write(2)
                call.predictions = results.predictions == nil ? nil : pointers.write(3)
                call.totals = pointers.write(4)
                let offender = losskit_cross_entropy_offender(&call)
                guard offender < 0 else { throw offence(Int(offender), Int(losskit_cross_entropy_label(&call, offender))) }
                forward(Shared(call))
            },
            openCL: { encoder in
                let plan = RowPlan(rows: rows, classes: classes, on: encoder)
                plan.apply(to: &options)
                let wide = encoder.traits.hasFP64 ? 8 : 4
                let parts = try encoder.scratch(byteCount: plan.segments > 1 ? rows * plan.segments * 20 : 4)
                let sums = try encoder.scratch(byteCount: plan.units * 4 * wide)
                let words = BufferSlice(
                    try encoder.zeroedScratch(byteCount: 16 + (plan.segments > 1 ? rows * 4 : 0)), elementSize: 4)
                try encoder.launch(
                    "cross_entropy_forward", in: "softmax",
                    defines: ["LOGITS=\(logitsType.code)"] + (plan.segments > 1 ? ["SPLIT=1"] : []),
                    arguments: operands(options) + outputs.map { .buffer($0) } + [
                        .buffer(BufferSlice(parts, elementSize: 4)), .buffer(BufferSlice(sums, elementSize: wide)), .buffer(words),
                        .local(bytes: plan.size * 32),
                    ], global: [plan.units * plan.segments * plan.size], local: [plan.size])
                guard labels != nil else { return }
                try encoder.deferCheck(of: words, for: outputs) { status, label in
                    let bad = Int32(truncatingIfNeeded: status)
                    return bad == 0 ? nil : offence(Int(Int32.max - bad), Int(label))
                }
            })
    }

    /// Writes the logits' gradient, in their type, for cotangents of the loss and of the log-partition.
    package func backward(
        _ results: Results, cotangent: Cotangent, logPartition: Cotangent, gradient: BufferSlice, on device: Device
    ) throws {
        guard rows > 0 else { return }
        var options = options
        options.has_cotangent = cotangent.values == nil ? 0 : 1
        options.cotangent_stride = Int64(cotangent.stride)
        options.cotangent_factor = cotangent.factor
        options.has_partition_cotangent = logPartition.values == nil ? 0 : 1
        options.partition_cotangent_stride = Int64(logPartition.stride)
        options.partition_cotangent_factor = logPartition.factor
        let given = [
            results.logPartition, results.mass, results.totals, cotangent.values ?? results.mass, logPartition.values ?? results.mass,
        ]
        try device.run(
            "cross_entropy_backward", shape: [rows, classes], reads: reads + given, writes: [gradient], bytes: 2 * bytes,
            host: { pointers in
                options.streams = bytes > Self.cachedBytes ? 1 : 0
                var call = call(options, pointers)
                call.log_partition = UnsafeMutablePointer(mutating: pointers.read(6))
                call.mass = UnsafeMutablePointer(mutating: pointers.read(7))
                call.totals = UnsafeMutablePointer(mutating: pointers.read(8))
                call.cotangent = cotangent.values == nil ? nil : pointers.read(9)
                call.partition_cotangent = logPartition.values == nil ? nil : pointers.read(10)
                call.gradient = pointers.rawWrite(0)
                let (shared, classes, length) = (Shared(call), classes, Self.hostSegment(rows, classes))
                guard inner == 1 else {
                    return ThreadPool.forEachChunk(of: rows, minimumPerChunk: Self.rowsAtOnce(classes)) { range in
                        shared.value.with { losskit_cross_entropy_backward_apart($0, Int64(range.lowerBound), Int64(range.upperBound)) }
                    }
                }
                let segments = max(1, (classes + length - 1) / length)
                ThreadPool.forEachChunk(of: rows * segments, minimumPerChunk: Self.rowsAtOnce(min(length, classes))) { range in
                    for piece in range {
                        let begin = piece % segments * length
                        shared.value.with {
                            losskit_cross_entropy_backward($0, Int64(piece / segments), Int64(begin), Int64(min(classes, begin + length)))
                        }
                    }
                }
            },
            openCL: { encoder in
                let plan = RowPlan(rows: rows, classes: classes, on: encoder)
                plan.apply(to: &options)
                try encoder.launch(
                    "cross_entropy_backward", in: "softmax", defines: ["LOGITS=\(logitsType.code)"],
                    arguments: operands(options) + (given + [gradient]).map { .buffer($0) },
                    global: [plan.units * plan.segments * plan.size], local: [plan.size])
            })
    }

    /// A gradient larger than this is written past the cache.
    private static let cachedBytes = 8 << 20

    private func forward(_ call: Shared<losskit_cross_entropy>) {
        let (rows, classes, length) = (rows, classes, Self.hostSegment(rows, classes))
        if length >= classes {
            ThreadPool.forEachChunk(of: rows, minimumPerChunk: Self.rowsAtOnce(classes)) { range in
                call.value.with { losskit_cross_entropy_forward($0, Int64(range.lowerBound), Int64(range.upperBound)) }
            }
        } else {
            let segments = (classes + length - 1) / length
            let parts = UnsafeMutablePointer<losskit_cross_entropy_part>.allocate(capacity: rows * segments)
            defer { parts.deallocate() }
            let shared = Shared(parts)
            ThreadPool.forEach(rows * segments) { piece in
                let begin = piece % segments * length
                call.value.with {
                    losskit_cross_entropy_forward_part(
                        $0, Int64(piece / segments), Int64(begin), Int64(min(classes, begin + length)), shared.value + piece)
                }
            }
            call.value.with { call in
                for row in 0..<rows { losskit_cross_entropy_finish(call, Int64(row), parts + row * segments, Int64(segments)) }
            }
        }
        call.value.with { losskit_cross_entropy_total($0) }
    }

    /// Columns that one thread takes of a row: all of them, unless there are few rows and they are long.
    private static func hostSegment(_ rows: Int, _ classes: Int) -> Int { rows < 32 && classes > 1 << 16 ? 1 << 15 : max(1, classes) }

    /// Rows that are worth a dispatch to another thread.
    static func rowsAtOnce(_ classes: Int) -> Int { max(1, 1 << 14 / max(classes, 1)) }

    var options: losskit_cross_entropy_options {
        var options = losskit_cross_entropy_options()
        options.rows = Int64(rows)
        options.classes = Int64(classes)
        options.first_class = Int64(firstClass)
        options.total_classes = Int64(totalClasses)
        options.logits_type = logitsType.code
        if case .labels(let labels, let ignored) = targets {
            options.ignored = Int64(ignored)
            options.label_bytes = Int32(labels.elementSize)
        }
        options.has_masses = masses == nil ? 0 : 1
        options.has_weights = weights == nil ? 0 : 1
        options.has_scales = scales == nil ? 0 : 1
        options.has_bias = bias == nil ? 0 : 1
        options.reduction = reduction.rawValue
        options.reads_ignored = readsIgnored ? 1 : 0
        options.smoothing = smoothing
        options.z_loss = zLoss
        options.soft_cap = softCap
        options.inverse_temperature = 1 / temperature
        return options
    }

    func call(_ options: losskit_cross_entropy_options, _ pointers: HostPointers) -> losskit_cross_entropy {
        var call = losskit_cross_entropy()
        call.options = options
        call.inner = Int64(inner)
        call.logits = pointers.rawRead(0)
        call.labels = labels == nil ? nil : pointers.rawRead(1)
        call.masses = masses == nil ? nil : pointers.read(2)
        call.weights = weights == nil ? nil : pointers.read(3)
        call.scales = scales == nil ? nil : pointers.read(4)
        call.bias = bias == nil ? nil : pointers.read(5)
        return call
    }

    func operands(_ options: losskit_cross_entropy_options) -> [KernelArgument] {
        [encoded(options)] + reads.map { .buffer($0) }
    }

    func encoded(_ options: losskit_cross_entropy_options) -> KernelArgument {
        withUnsafeBytes(of: options) { .bytes(Array($0)) }
    }
}

extension losskit_cross_entropy {
    func with<R>(_ body: (UnsafePointer<losskit_cross_entropy>) -> R) -> R { withUnsafePointer(to: self, body) }
}
