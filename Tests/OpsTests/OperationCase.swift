import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// A differentiable operation on a tensor of any shape, and a second one of its last extents, that keeps to what all operations keep to.
///
/// Elements lie between 0.2 and 0.9, or 0.2 and 1.8 where the operation takes them, all different, so that no choice is a tie.
struct OperationCase: Sendable, CustomTestStringConvertible {
    enum Shapes: Sendable {
        /// Of at least a rank; shorter shapes have to be refused or serve.
        case rank(Int)
        /// Matrices [..., n, n].
        case square
    }

    var name: String
    var shapes = Shapes.rank(0)
    /// Whether it needs an element or more.
    var hasEmpty = true
    /// Whether its result has a derivative that is followed, and that one another.
    var isDifferentiable = true
    var isTwiceDifferentiable = true
    /// What rounding is magnified by.
    var condition = 16.0
    var function: @Sendable (_ x: Tensor, _ y: Tensor) throws -> Tensor
    var testDescription: String { name }

    private static func unary(_ name: String, _ function: @escaping @Sendable (Tensor) throws -> Tensor) -> OperationCase {
        OperationCase(name: name) { x, _ in try function(x) }
    }

    private static func step(_ name: String, _ function: @escaping @Sendable (Tensor) throws -> Tensor) -> OperationCase {
        OperationCase(name: name, isDifferentiable: false) { x, _ in try function(x) }
    }

    static let all: [OperationCase] = functions + pairs + folds + moves + orders + products + factors

    private static let functions: [OperationCase] = [
        unary("absolute") { $0.absolute() }, unary("acos") { $0.acos() }, unary("acosh") { ($0 + 1).acosh() }, unary("asin") { $0.asin() },
        unary("asinh") { $0.asinh() }, unary("atan") { $0.atan() }, unary("atanh") { $0.atanh() },
        unary("clamped") { $0.clamped(min: 0.375) },
        unary("cos") { $0.cos() }, unary("cosh") { $0.cosh() }, unary("erf") { $0.erf() },
        unary("erfInverse") { $0.erfInverse() }, unary("erfc") { $0.erfc() }, unary("exp") { $0.exp() }, unary("exp2") { $0.exp2() },
        unary("expm1") { $0.expm1() }, unary("gelu") { $0.gelu() }, unary("log") { $0.log() }, unary("log10") { $0.log10() },
        unary("log1p") { $0.log1p() }, unary("log2") { $0.log2() }, unary("logGamma") { $0.logGamma() },
        unary("logSigmoid") { $0.logSigmoid() }, unary("negated") { $0.negated() }, unary("power of a number") { $0.power(-1.5) },
        unary("reciprocal") { $0.reciprocal() }, unary("reciprocalSquareRoot") { $0.reciprocalSquareRoot() },
        unary("relu") { ($0 - 0.5).relu() }, unary("sigmoid") { $0.sigmoid() }, unary("sin") { $0.sin() }, unary("sinh") { $0.sinh() },
        unary("softplus") { $0.softplus() }, unary("square") { $0.square() }, unary("squareRoot") { $0.squareRoot() },
        unary("tan") { $0.tan() }, unary("tanh") { $0.tanh() }, unary("number minus") { 1.5 - $0 }, unary("number over") { 0.5 / $0 },
        step("ceil") { ($0 * 4).ceil() }, step("floor") { ($0 * 4).floor() }, step("round") { ($0 * 4).round() },
        step("truncate") { ($0 * 4).truncate() }, step("sign") { ($0 - 0.5).sign() }, step("isFinite") { $0.isFinite() },
        OperationCase(name: "digamma", isTwiceDifferentiable: false) { x, _ in x.digamma() },
        OperationCase(name: "trigamma", isDifferentiable: false, condition: 64) { x, _ in x.trigamma() },
    ]

    private static let pairs: [OperationCase] = [
        OperationCase(name: "sum of two") { $0 + $1 }, OperationCase(name: "difference") { $0 - $1 },
        OperationCase(name: "product of two") { $0 * $1 }, OperationCase(name: "quotient") { $0 / $1 },
        OperationCase(name: "power") { $0.power($1) }, OperationCase(name: "atan2") { $0.atan2($1) },
        OperationCase(name: "minimum") { Tensor.minimum($0, $1) }, OperationCase(name: "maximum") { Tensor.maximum($0, $1) },
        OperationCase(name: "select") { Tensor.select($0 .< $1, $0 * 2, $1 - 1) },
        OperationCase(name: "less", isDifferentiable: false) { $0 .< $1 },
        OperationCase(name: "mask", isDifferentiable: false) { ($0 .>= $1) .&& ($0 .> 0.5) },
    ]

    private static func fold(_ name: String, hasEmpty: Bool = true, _ function: @escaping @Sendable (Tensor, [Int]) throws -> Tensor)
        -> [OperationCase]
    {
        [
            OperationCase(name: "\(name) of all", hasEmpty: hasEmpty) { x, _ in try function(x, Array(0..<x.rank)) },
            OperationCase(name: "\(name) of rows", shapes: .rank(1), hasEmpty: hasEmpty) { x, _ in try function(x, [-1]) },
            OperationCase(name: "\(name) of columns", shapes: .rank(1), hasEmpty: hasEmpty) { x, _ in try function(x, [0]) },
        ]
    }

    private static let folds: [OperationCase] =
        fold("sum") { try $0.sum(axes: $1) } + fold("mean") { try $0.mean(axes: $1) } + fold("product") { try $0.product(axes: $1) }
        + fold("max", hasEmpty: false) { try $0.max(axes: $1) } + fold("min", hasEmpty: false) { try $0.min(axes: $1) }
        + fold("logSumExp") { try $0.logSumExp(axes: $1) } + fold("norm") { try $0.norm(axes: $1) }
        + fold("norm 3") { try $0.norm(3, axes: $1) }
        + fold("variance") { try $0.variance(axes: $1, correction: 0) }

    private static let moves: [OperationCase] = [
        OperationCase(name: "transposed") { x, _ in try x.transposed() },
        OperationCase(name: "packed", isDifferentiable: false) { x, _ in try x.transposed().packed() },
        OperationCase(name: "flattened") { x, _ in try x.flattened() * 2 },
        OperationCase(name: "expanded") { x, _ in try x.expandedDimensions(at: 0) * 3 },
        OperationCase(name: "flipped") { x, _ in try x.flipped() },
        OperationCase(name: "broadcast") { x, y in try (x + y).expandedDimensions(at: 0).broadcast(to: [2] + (x + y).shape) },
        OperationCase(name: "sliced", shapes: .rank(1)) { x, _ in try x.slice(axis: 0, step: 2) },
        OperationCase(name: "concatenated", shapes: .rank(1)) { x, _ in try Tensor.concatenate([x, x.square()], axis: -1) },
        OperationCase(name: "stacked") { x, _ in try Tensor.stack([x, x.square()], axis: 0) },
        OperationCase(name: "padded", shapes: .rank(1)) { x, _ in try x.padded(axis: 0, before: 1, after: 2, with: 0.5) },
        OperationCase(name: "windows", shapes: .rank(1), hasEmpty: false) { x, _ in try x.slidingWindows(axis: 0, size: 1) },
        OperationCase(name: "taken", shapes: .rank(1), hasEmpty: false) { x, _ in
            try x.take(Tensor([x.shape[0] - 1, 0, 0], on: x.device), axis: 0)
        },
        OperationCase(name: "diagonal", shapes: .rank(2)) { x, _ in
            let n = min(x.shape[x.rank - 1], x.shape[x.rank - 2])
            return try x.slice(axis: -1, from: 0, to: n).slice(axis: -2, from: 0, to: n).diagonal()
        },
    ]

    private static let orders: [OperationCase] = [
        OperationCase(name: "sorted", shapes: .rank(1)) { x, _ in try x.sorted() },
        OperationCase(name: "sorted down", shapes: .rank(1)) { x, _ in try x.sorted(axis: 0, descending: true) },
        OperationCase(name: "topK", shapes: .rank(1), hasEmpty: false) { x, _ in try x.topK(1).values },
        OperationCase(name: "argSort", shapes: .rank(1), isDifferentiable: false) { x, _ in try x.argSort() },
        OperationCase(name: "argMax", shapes: .rank(1), hasEmpty: false, isDifferentiable: false) { x, _ in try x.argMax(axis: 0) },
        OperationCase(name: "argMin", hasEmpty: false, isDifferentiable: false) { x, _ in try x.argMin() },
        OperationCase(name: "cumulativeSum", shapes: .rank(1)) { x, _ in try x.cumulativeSum() },
        OperationCase(name: "cumulativeMax", shapes: .rank(1)) { x, _ in try x.cumulativeMax(axis: 0).values },
        OperationCase(name: "softmax", shapes: .rank(1)) { x, _ in try x.softmax() },
        OperationCase(name: "softmax of columns", shapes: .rank(1)) { x, _ in try x.softmax(axis: 0) },
        OperationCase(name: "logSoftmax", shapes: .rank(1)) { x, _ in try x.logSoftmax() },
    ]

    private static let products: [OperationCase] = [
        OperationCase(name: "matmul", shapes: .rank(2)) { x, _ in try x.matmul(x.swappingAxes(-1, -2)) },
        OperationCase(name: "squared distances", shapes: .rank(2)) { x, y in
            try pairwiseDistance(x, x.flipped(axes: [-2]) + 1, metric: .squaredEuclidean)
        },
        OperationCase(name: "distances", shapes: .rank(2)) { x, y in try pairwiseDistance(x, x.flipped(axes: [-2]) + 1) },
        OperationCase(name: "Manhattan distances", shapes: .rank(2)) { x, _ in
            try pairwiseDistance(x, x.flipped(axes: [-2]) + 1, metric: .manhattan)
        },
        OperationCase(name: "cosine distances", shapes: .rank(2)) { x, _ in try pairwiseDistance(x, x + 1, metric: .cosine) },
    ]

    /// Far from singular: the identity weighs most.
    private static func definite(_ x: Tensor) throws -> Tensor {
        let product = try x.matmul(x.swappingAxes(-1, -2)) * (1 / Double(max(1, x.shape[x.rank - 1])))
        return try product + Tensor.eye(x.shape[x.rank - 1], dtype: x.dtype, on: x.device) * 2
    }

    private static let factors: [OperationCase] = [
        OperationCase(name: "trace", shapes: .square) { x, _ in try x.trace() },
        OperationCase(name: "inverse", shapes: .square, condition: 64) { x, _ in try inverse(definite(x)) },
        OperationCase(name: "cholesky", shapes: .square, condition: 64) { x, _ in try cholesky(definite(x)) },
        OperationCase(name: "solve", shapes: .square, condition: 64) { x, _ in try solve(definite(x), x) },
        OperationCase(name: "logDeterminant", shapes: .square, condition: 64) { x, _ in try logDeterminant(definite(x)).logarithm },
        OperationCase(name: "matrixSquareRoot", shapes: .square, condition: 64) { x, _ in try matrixSquareRoot(definite(x)) },
    ]
}
