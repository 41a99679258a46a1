import LossKit

/// One kernel at one size: how to run it, what it has to do at least, and against what its rate is held.
struct Kernel {
    enum Bound {
        /// Bytes that forward and backward have to move.
        case bytes(forward: Double, both: Double)
        /// Operations that forward and backward have to do, of a matrix product's kind.
        case operations(forward: Double, both: Double)
        /// Pairs that are looked at; held against the copy of four bytes each.
        case pairs(forward: Double, both: Double)
    }

    enum Pass: String, Codable, CaseIterable {
        case forward
        case both = "forward+backward"
    }

    var name: String
    var size: String
    var inputs: @Sendable (Device) throws -> [Tensor]
    /// So many inputs, the first ones, are differentiated.
    var differentiated = 1
    var function: @Sendable ([Tensor]) throws -> Tensor
    var bound: Bound
    var tolerance = Tolerance(relative: 2e-5, ofLargest: 2e-6)

    struct Row: Codable {
        var name: String
        var size: String
        var pass: Pass
        var seconds: Double
        var rate: Double
        var unit: String
        /// Of the copy's bandwidth or the product's speed.
        var percent: Double
    }

    /// A value and the gradients of the differentiated inputs.
    struct Outcome {
        var value: Tensor
        var gradients: [Tensor]
    }

    func run(_ inputs: [Tensor]) throws -> Outcome {
        let (value, gradients) = try valueWithGradient(at: Array(inputs[..<differentiated])) { points in
            try function(points + inputs[differentiated...])
        }
        return Outcome(value: try value.evaluated(), gradients: try gradients.map { try $0.evaluated() })
    }

    /// What differs between two outcomes, in words.
    func disagreements(_ actual: Outcome, _ expected: Outcome) throws -> [String] {
        let value = try tolerance.disagreement(actual.value, expected.value).map { "value: \($0)" }
        let gradients = try zip(actual.gradients, expected.gradients).enumerated().compactMap { index, pair in
            try tolerance.disagreement(pair.0, pair.1).map { "gradient \(index): \($0)" }
        }
        return (value.map { [$0] } ?? []) + gradients
    }

    /// Checks value and gradient against the CPU, then times both passes.
    func measure(on device: Device, limits: Limits, repetitions: Int) throws -> (rows: [Row], problems: [String]) {
        let inputs = try inputs(device)
        var problems: [String] = []
        if device.isOpenCL {
            problems = try disagreements(run(inputs), run(inputs.map { try $0.to(.cpu) })).map {
                "\(name) \(size) on \(device) differs from the CPU: \($0)"
            }
        }
        let rows = try Pass.allCases.map { pass in
            let times = try (0...repetitions).map { _ in try seconds(pass, inputs, on: device) }
            return row(pass, Array(times.dropFirst()).median, limits)
        }
        return (rows, problems)
    }

    private func seconds(_ pass: Pass, _ inputs: [Tensor], on device: Device) throws -> Double {
        try Stopwatch.seconds {
            switch pass {
            case .forward: _ = try function(inputs).evaluated()
            case .both: _ = try run(inputs)
            }
            try device.synchronize()
        }
    }

    private func row(_ pass: Pass, _ seconds: Double, _ limits: Limits) -> Row {
        let isForward = pass == .forward
        let (work, unit, limit): (Double, String, Double) =
            switch bound {
            case .bytes(let forward, let both): (isForward ? forward : both, "GB/s", limits.copy)
            case .operations(let forward, let both): (isForward ? forward : both, "GFLOP/s", limits.gemm)
            case .pairs(let forward, let both): (isForward ? forward : both, "Gpairs/s", limits.copy / 4)
            }
        let rate = work / seconds / 1e9
        return Row(name: name, size: size, pass: pass, seconds: seconds, rate: rate, unit: unit, percent: 100 * rate / limit)
    }
}
