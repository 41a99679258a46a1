extension LossDescription {
    /// A tensor the loss takes.
    public struct Input: Sendable {
        /// The label of the Swift function's parameter.
        public let name: String
        /// Names of dimensions; inputs that share a name share the extent.
        public let shape: [String]
        /// What it holds.
        public let values: Values
        /// Whether the loss works without it.
        public let isOptional: Bool
        /// Whether a derivative is carried to it.
        public let isDifferentiable: Bool

        init(_ name: String, _ shape: [String], _ values: Values = .real(-2...2), isOptional: Bool = false, isDifferentiable: Bool? = nil) {
            self.name = name
            self.shape = shape
            self.values = values
            self.isOptional = isOptional
            self.isDifferentiable = isDifferentiable ?? !values.isInteger
        }
    }

    /// What an input may hold, and so how to draw a valid one.
    public enum Values: Sendable, Equatable {
        /// Real numbers of a range.
        case real(ClosedRange<Double>)
        /// Probabilities that sum to 1 along the last axis.
        case probabilities
        /// Integers from a first one (0 unless stated) up to but without the extent of the named dimension.
        case classes(String, from: Int = 0)
        /// Integers from 1 to the extent of the named dimension.
        case lengths(String)
        /// -1 or 1.
        case signs
        /// Integers of a range: groups, signs, yes or no.
        case integers(ClosedRange<Int>)

        /// Whether the tensor is of an integer type.
        public var isInteger: Bool {
            switch self {
            case .real, .probabilities: false
            case .classes, .lengths, .signs, .integers: true
            }
        }
    }
}

extension LossDescription.Input {
    /// Valid values in row-major order, for extents by the names of dimensions.
    public func draw(extents: [String: Int], using random: inout some RandomNumberGenerator) -> [Double] {
        let shape = shape.map { extents[$0] ?? 1 }
        let count = shape.reduce(1, *)
        switch values {
        case .real(let range): return (0..<count).map { _ in .random(in: range, using: &random) }
        case .integers(let range): return (0..<count).map { _ in Double(Int.random(in: range, using: &random)) }
        case .classes(let dimension, let first):
            return (0..<count).map { _ in Double(Int.random(in: first..<max(first + 1, extents[dimension] ?? 1), using: &random)) }
        case .lengths(let dimension):
            return (0..<count).map { _ in Double(Int.random(in: 1...max(1, extents[dimension] ?? 1), using: &random)) }
        case .signs: return (0..<count).map { _ in Bool.random(using: &random) ? 1 : -1 }
        case .probabilities:
            let masses = (0..<count).map { _ in Double.random(in: 0.2...1, using: &random) }
            let length = max(1, shape.last ?? 1)
            return masses.indices.map { masses[$0] / masses[$0 / length * length..<$0 / length * length + length].reduce(0, +) }
        }
    }
}
