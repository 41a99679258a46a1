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

        var both: Double {
            switch self {
            case .bytes(_, let both), .operations(_, let both), .pairs(_, let both): both
            }
        }
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
    /// The same in the plainest way, against which a device's kernels are held; what is wanted of it is written to its memory.
    var plain: (@Sendable ([Tensor], Pass) throws -> Outcome)?
    /// Which points the value is of, where that is to be compared.
    var indices: (@Sendable ([Tensor]) throws -> Tensor)?
    /// Births and deaths [classes, 2], where the value is made of them and all are to be compared.
    var classes: (@Sendable ([Tensor]) throws -> Tensor)?
    /// What takes long is run less often than the rest.
    var mostRepetitions = Int.max
    /// What peers have to know beside the inputs.
    var options: [String: Double] = [:]
    /// Takes so long that it runs only where its size is asked for.
    var isOnDemand = false
    var valueTolerance = Tolerance(relative: 2e-5, ofLargest: 0)
    var gradientTolerance = Tolerance(relative: 2e-5, ofLargest: 2e-6)

    /// A value and the gradients of the differentiated inputs.
    struct Outcome {
        var value: Tensor
        var gradients: [Tensor]
        var indices: Tensor?
        var classes: Tensor?
    }

    func run(_ inputs: [Tensor]) throws -> Outcome {
        let (value, gradients) = try valueWithGradient(at: Array(inputs[..<differentiated])) { points in
            try function(points + inputs[differentiated...])
        }
        return Outcome(value: try value.evaluated(), gradients: try gradients.map { try $0.evaluated() })
    }

    /// What differs between two outcomes, in words.
    func disagreements(_ actual: Outcome, _ expected: Outcome) throws -> [String] {
        // A peer may have no gradients.
        guard expected.gradients.isEmpty || expected.gradients.count == actual.gradients.count else {
            return ["\(actual.gradients.count) gradients, expected \(expected.gradients.count)"]
        }
        let value = try valueTolerance.disagreement(actual.value, expected.value).map { "value: \($0)" }
        let gradients = try zip(actual.gradients, expected.gradients).enumerated().compactMap { index, pair in
            try gradientTolerance.disagreement(pair.0, pair.1).map { "gradient \(index): \($0)" }
        }
        return (value.map { [$0] } ?? []) + gradients
    }
}
