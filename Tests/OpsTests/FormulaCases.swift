import Foundation
import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// A formula, and the same function of float64 numbers written from the mathematics alone.
///
/// `x` and `y` are points, `b` a vector and `w` a positive number of each y, `p` a parameter with as many coordinates as the points.
struct FormulaCase: Sendable, CustomTestStringConvertible {
    struct Inputs {
        var x, y, b, w, p: Formula
    }

    struct Pair {
        var x, y, b: [Double]
        var w: Double
        var p: [Double]

        var square: Double { zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
        var dot: Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
    }

    let name: String
    let formula: @Sendable (Inputs) -> Formula
    let expected: @Sendable (Pair) -> [Double]

    var testDescription: String { name }

    static let scalars: [FormulaCase] = [
        FormulaCase(name: "Gaussian") {
            ($0.x.squaredDistance(to: $0.y) * -0.3).exp()
        } expected: {
            [exp(-0.3 * $0.square)]
        },
        FormulaCase(name: "Laplacian") {
            (-$0.x.distance(to: $0.y)).exp() * $0.w
        } expected: {
            [exp(-sqrt($0.square)) * $0.w]
        },
        FormulaCase(name: "dot") {
            $0.x.dot($0.y) * 0.2 + $0.w
        } expected: {
            [0.2 * $0.dot + $0.w]
        },
        FormulaCase(name: "Manhattan") {
            -($0.x - $0.y).absolute().coordinateSum()
        } expected: {
            [-zip($0.x, $0.y).reduce(0) { $0 + abs($1.0 - $1.1) }]
        },
        FormulaCase(name: "anisotropic") {
            (-(($0.x - $0.y) * $0.p).squaredNorm()).exp()
        } expected: { pair in
            [exp(-zip(zip(pair.x, pair.y), pair.p).reduce(0) { $0 + pow(($1.0.0 - $1.0.1) * $1.1, 2) })]
        },
        FormulaCase(name: "Cauchy") {
            1 / (1 + ($0.y - $0.x).squaredNorm())
        } expected: {
            [1 / (1 + $0.square)]
        },
        FormulaCase(name: "perceptron") {
            ($0.x * $0.p).dot($0.y).tanh() * $0.w
        } expected: { pair in
            [tanh(zip(zip(pair.x, pair.y), pair.p).reduce(0) { $0 + $1.0.0 * $1.0.1 * $1.1 }) * pair.w]
        },
        FormulaCase(name: "apart") {
            $0.w.square() * $0.x.dot($0.p)
        } expected: { pair in
            [pair.w * pair.w * zip(pair.x, pair.p).reduce(0) { $0 + $1.0 * $1.1 }]
        },
        FormulaCase(name: "hinge") {
            (1 - $0.x.dot($0.y)).relu()
        } expected: {
            [max(0, 1 - $0.dot)]
        },
        FormulaCase(name: "nested sums") { pair in
            let share = pair.x.dot(pair.y).sigmoid()
            return (pair.x - share * pair.y).squaredNorm()
        } expected: { pair in
            let share = 1 / (1 + exp(-pair.dot))
            return [zip(pair.x, pair.y).reduce(0) { $0 + pow($1.0 - share * $1.1, 2) }]
        },
    ]

    static let vectors: [FormulaCase] = [
        FormulaCase(name: "kernel product") {
            ($0.x.squaredDistance(to: $0.y) * -0.5).exp() * $0.b
        } expected: { pair in
            pair.b.map { exp(-0.5 * pair.square) * $0 }
        },
        FormulaCase(name: "differences") {
            (-$0.x.squaredDistance(to: $0.y)).exp() * ($0.x - $0.y)
        } expected: { pair in
            zip(pair.x, pair.y).map { exp(-pair.square) * ($0 - $1) }
        },
        FormulaCase(name: "row and parameter") {
            $0.w * ($0.x + $0.p)
        } expected: { pair in
            zip(pair.x, pair.p).map { pair.w * ($0 + $1) }
        },
        FormulaCase(name: "by coordinate") {
            ($0.x * $0.y).sin() / (1 + $0.p.square())
        } expected: { pair in
            pair.x.indices.map { sin(pair.x[$0] * pair.y[$0]) / (1 + pair.p[$0] * pair.p[$0]) }
        },
    ]
}

/// Points and what else a case reads, drawn at random, with the sums and gradients that the case's function gives.
struct FormulaSample {
    var x, y, b, w, p: Matrix

    init(n: Int, m: Int, d: Int, e: Int = 3, seed: UInt64 = 1) {
        var random = SplitMix64(seed: seed)
        func draw(_ rows: Int, _ columns: Int, _ range: ClosedRange<Double> = -1...1) -> Matrix {
            Matrix(rows: rows, columns: columns, values: random.values(rows * columns, in: range).map { Double(Float($0)) })
        }
        (x, y, b) = (draw(n, d), draw(m, d), draw(m, e))
        (w, p) = (draw(m, 1, 0.5...1.5), draw(1, d, 0.5...1))
    }

    var parts: [Matrix] {
        get { [x, y, b, w, p] }
        set { (x, y, b, w, p) = (newValue[0], newValue[1], newValue[2], newValue[3], newValue[4]) }
    }

    func pair(_ i: Int, _ j: Int) -> FormulaCase.Pair {
        FormulaCase.Pair(x: x.row(i), y: y.row(j), b: b.row(j), w: w[j, 0], p: p.row(0))
    }

    /// The formula's values for all j.
    func values(_ formulaCase: FormulaCase, _ i: Int) -> [[Double]] { (0..<y.rows).map { formulaCase.expected(pair(i, $0)) } }

    /// Tensors of the parts, as the formula's inputs.
    func tensors(_ dtype: DType = .float32, on device: Device) throws -> [Tensor] {
        try zip(parts, [[x.rows, x.columns], [y.rows, y.columns], [b.rows, b.columns], [w.rows], [p.columns]]).map { part, shape in
            try Tensor(part.values, shape: shape, dtype: dtype, on: device)
        }
    }

    static func inputs(_ tensors: [Tensor]) -> FormulaCase.Inputs {
        FormulaCase.Inputs(x: .x(tensors[0]), y: .y(tensors[1]), b: .y(tensors[2]), w: .y(tensors[3]), p: .parameter(tensors[4]))
    }

    /// The central differences of a function of the sample, element by element of every part.
    func differences(step: Double = 1e-6, _ function: (FormulaSample) -> Double) -> [[Double]] {
        parts.indices.map { part in
            parts[part].values.indices.map { index in
                func moved(_ shift: Double) -> Double {
                    var sample = self
                    sample.parts[part].values[index] += shift
                    return function(sample)
                }
                return (moved(step) - moved(-step)) / (2 * step)
            }
        }
    }
}
