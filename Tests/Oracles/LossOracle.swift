/// A loss in doubles, from its formula alone, and the cases it is to be tried in.
struct LossOracle: Sendable {
    /// What the formula is given: inputs and options by name, options only where they differ from the default.
    struct Given: Sendable {
        var inputs: [String: Matrix]
        var options: [String: String]

        subscript(_ name: String) -> Matrix { inputs[name] ?? Matrix(shape: [0], values: []) }

        func number(_ name: String, _ standard: Double) -> Double { options[name].flatMap { Double($0) } ?? standard }
        func flag(_ name: String) -> Bool { options[name] == "true" }
        func numbers(_ name: String, _ standard: [Double]) -> [Double] {
            options[name]?.split(separator: ",").compactMap { Double($0) } ?? standard
        }
        func word(_ name: String, _ standard: String) -> String { options[name] ?? standard }

        /// An optional input, or ones.
        func weights(_ name: String, count: Int) -> [Double] { inputs[name]?.values ?? [Double](repeating: 1, count: count) }
    }

    typealias Formula = @Sendable (Given) -> [Double]

    let name: String
    /// How far value and gradient may be off, relative to 1 or to the expected number; and the step of the central differences.
    var tolerance = 2e-6
    var gradientTolerance = 5e-6
    var step = 1e-6
    /// How far the formula itself is off in doubles, where it subtracts large terms.
    var noise = 0.0
    /// How many elements of a gradient are compared: the formula is evaluated twice for each.
    var sampledElements = 24
    /// Settings of the library's side alone, such as a finer stopping rule.
    var settings: [String: String] = [:]
    /// Options of every case.
    var options: [String: String] = [:]
    /// Extents that differ from those of all losses.
    var extents: [String: Int] = [:]
    /// Sizes of n that are tried.
    var sizes = [1, 2, 17]
    /// A larger n, of several tiles and a part of one, where the formula in doubles is not too slow for it.
    var larger: Int? = 67
    /// Inputs whose single elements cannot be moved on their own.
    var constrained: Set<String> = []
    /// Makes drawn inputs valid where their ranges alone do not.
    var prepare: (@Sendable (inout [String: Matrix]) -> Void)?
    /// Whether inputs of any magnitude give a finite value and gradient.
    var isFiniteEverywhere = true
    /// Whether n = 0 is a batch like any other.
    var allowsEmpty = true
    /// Whether it has a second derivative that the library carries.
    var isTwiceDifferentiable = true
    /// Cases beside the standard ones.
    var cases: [LossCase] = []
    /// What the mean divides by, where that is not the number of elements.
    var divisor: (@Sendable (Given) -> Double)?
    /// The formula with those parts that no derivative is carried through taken from a second, unmoved set of inputs.
    var held: (@Sendable (_ moved: Given, _ unmoved: Given) -> [Double])?
    /// The elements before the reduction.
    let formula: Formula

    /// A loss of which parts are held: the formula takes them from its second argument.
    static func holding(
        _ name: String, gradientTolerance: Double = 5e-6, options: [String: String] = [:], isFiniteEverywhere: Bool = true,
        prepare: (@Sendable (inout [String: Matrix]) -> Void)? = nil, cases: [LossCase] = [],
        formula: @escaping @Sendable (_ moved: Given, _ unmoved: Given) -> [Double]
    ) -> LossOracle {
        LossOracle(
            name: name, gradientTolerance: gradientTolerance, options: options, prepare: prepare, isFiniteEverywhere: isFiniteEverywhere,
            cases: cases, held: formula
        ) { formula($0, $0) }
    }
}
