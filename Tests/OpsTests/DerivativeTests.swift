import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// First and second derivatives of operations on several operands, of reductions and of choices, against central differences.
@Suite struct DerivativeTests {
    private struct Row: Sendable {
        var name: String
        var function: @Sendable ([Tensor]) throws -> Tensor
    }

    private static let rows: [Row] = [
        .init(name: "sum", function: { $0[0] + $0[1] }), .init(name: "difference", function: { $0[0] - $0[1] }),
        .init(name: "product", function: { $0[0] * $0[1] }), .init(name: "quotient", function: { $0[0] / $0[1] }),
        .init(name: "number over", function: { 3 / $0[0] - $0[1] / 2 }), .init(name: "power", function: { $0[0].power($0[1]) }),
        .init(name: "power of a number", function: { $0[0].power(-1.5) + $0[1].power(2) }),
        .init(name: "minimum", function: { Tensor.minimum($0[0], $0[1]) }),
        .init(name: "maximum", function: { Tensor.maximum($0[0], $0[1]) }),
        .init(name: "remainder", function: { $0[0].remainder($0[1]) }), .init(name: "atan2", function: { $0[0].atan2($0[1]) }),
        .init(name: "select", function: { Tensor.select($0[0] .< $0[1], $0[0] * $0[1], $0[1].square()) }),
        .init(name: "clamped below", function: { $0[0].clamped(min: 1) * $0[1] }),
        .init(name: "clamped above", function: { $0[0].clamped(max: 1) * $0[1] }),
        .init(name: "relu", function: { ($0[0] - $0[1]).relu() }), .init(name: "absolute", function: { ($0[0] - $0[1]).absolute() }),
        .init(name: "negated", function: { -$0[0] * $0[1] }), .init(name: "erfInverse", function: { ($0[0] * 0.4).erfInverse() * $0[1] }),
        .init(name: "logSigmoid", function: { ($0[0] - $0[1]).logSigmoid() }),
        .init(name: "gelu", function: { ($0[0] - $0[1] * 2).gelu() }),
        .init(name: "casts", function: { $0[0].asType(.float64) * $0[1] }),
        .init(name: "sum over axes", function: { try ($0[0] * $0[1]).sum(axes: [1]) }),
        .init(name: "mean, kept", function: { try ($0[0] * $0[1]).mean(axes: [0], keepDimensions: true) }),
        .init(name: "product over axes", function: { try ($0[0] * $0[1]).product(axes: [1]) }),
        .init(name: "min over axes", function: { try ($0[0] * $0[1]).min(axes: [1]) }),
        .init(name: "max over all", function: { try ($0[0] * $0[1]).max() }),
        .init(name: "variance", function: { try ($0[0] * $0[1]).variance(axes: [1]) }),
        .init(name: "standard deviation", function: { try ($0[0] * $0[1]).standardDeviation(axes: [0], correction: 0) }),
        .init(name: "norm", function: { try ($0[0] - $0[1] * 3).norm(axes: [1]) }),
        .init(name: "norm 1", function: { try ($0[0] - $0[1]).norm(1, axes: [1]) }),
        .init(name: "norm 2.5", function: { try ($0[0] * $0[1]).norm(2.5, axes: [0]) }),
        .init(name: "norm of infinity", function: { try ($0[0] * $0[1]).norm(.infinity, axes: [1]) }),
        .init(name: "logSumExp", function: { try ($0[0] * $0[1]).logSumExp(axes: [0, 1]) }),
        .init(name: "softmax", function: { try ($0[0] * $0[1]).softmax() }),
        .init(name: "logSoftmax", function: { try ($0[0] * $0[1]).logSoftmax(axis: 0) }),
        .init(name: "cumulativeSum", function: { try ($0[0] * $0[1]).cumulativeSum(axis: 0) }),
        .init(name: "cumulativeMax", function: { try ($0[0] * $0[1]).cumulativeMax(axis: 1).values }),
    ]

    /// Operands whose elements lie apart by more than the differences' step, so that no choice changes within it.
    @Test(arguments: Device.all)
    func agreeWithDifferences(device: Device) throws {
        guard device.hasFloat64 else { return }
        var random = SplitMix64(seed: 31)
        let a = try Tensor(
            (0..<12).map { 0.5 + 0.13 * Double($0) + 0.02 * Double.random(in: 0...1, using: &random) }.shuffled(using: &random),
            shape: [3, 4], on: device)
        let b = try Tensor([1.31, 0.62, 1.77, 0.94], on: device)
        for row in Self.rows {
            try expectGradient(at: [a, b], tolerance: 1e-7, row.name, of: row.function)
            try expectGradient(at: [a, b], tolerance: 1e-5, "second derivative of " + row.name) { points in
                let gradients = try gradient(at: points) { try row.function($0).square().sum() }
                return gradients[0] * gradients[1]
            }
        }
    }

    /// Steps have no derivative to follow: what passes through them gets none.
    @Test(arguments: Device.all)
    func stepsPassNothing(device: Device) throws {
        let x = try Tensor([0.3, -1.6, 2.2] as [Float], on: device)
        let steps: [@Sendable (Tensor) -> Tensor] = [{ $0.sign() }, { $0.floor() }, { $0.ceil() }, { $0.round() }, { $0.truncate() }]
        for step in steps { try expectClose(gradient(at: x) { try (step($0) * $0).sum() }, step(x).array(of: Double.self), tolerance: 0) }
    }
}
