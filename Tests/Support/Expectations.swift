import LossKit
import Testing

/// Expects numbers to agree within `tolerance` times a scale (by default the larger of 1 and the expected magnitude); the message names the worst one.
public func expectClose(
    _ actual: [Double], _ expected: [Double], tolerance: Double, scale: [Double]? = nil, _ label: @autoclosure () -> String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard actual.count == expected.count else {
        Issue.record("\(label()): \(actual.count) elements, expected \(expected.count)", sourceLocation: sourceLocation)
        return
    }
    var worst = (excess: 0.0, index: -1)
    for (index, (a, e)) in zip(actual, expected).enumerated() {
        if a == e || (a.isNaN && e.isNaN) { continue }
        let unit = scale?[index] ?? max(1, abs(e))
        let excess = (a - e).isFinite ? abs(a - e) / unit : .infinity
        if excess > worst.excess { worst = (excess, index) }
    }
    guard worst.excess > tolerance else { return }
    Issue.record(
        "\(label()): element \(worst.index) is \(actual[worst.index]), expected \(expected[worst.index]): off by \(worst.excess), allowed \(tolerance)",
        sourceLocation: sourceLocation)
}

/// Expects a tensor's elements to agree with numbers.
public func expectClose(
    _ actual: Tensor, _ expected: [Double], tolerance: Double = 1e-6, _ label: @autoclosure () -> String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    expectClose(try actual.array(of: Double.self), expected, tolerance: tolerance, label(), sourceLocation: sourceLocation)
}

/// Compares a function's gradient with central differences in float64 under a random, non-uniform cotangent.
///
/// The function is given float64 tensors on the device and may return any shape.
public func expectGradient(
    at points: [Tensor], tolerance: Double = 1e-6, step: Double = 1e-5, seed: UInt64 = 1, _ label: String = "",
    sourceLocation: SourceLocation = #_sourceLocation, of function: @escaping ([Tensor]) throws -> Tensor
) throws {
    var random = SplitMix64(seed: seed)
    let value = try function(points)
    let weights = try Tensor(random.values(value.count, in: 0.5...1.5), shape: value.shape, on: value.device)
    func scalar(_ points: [Tensor]) throws -> Tensor { try (function(points) * weights).sum() }
    let gradients = try gradient(at: points, of: scalar)
    for (index, point) in points.enumerated() {
        var numbers = try point.array(of: Double.self)
        var differences: [Double] = []
        for element in numbers.indices {
            let original = numbers[element]
            func value(at x: Double) throws -> Double {
                numbers[element] = x
                var moved = points
                moved[index] = try Tensor(numbers, shape: point.shape, on: point.device)
                return try scalar(moved).scalar()
            }
            differences.append((try value(at: original + step) - value(at: original - step)) / (2 * step))
            numbers[element] = original
        }
        try expectClose(
            gradients[index], differences, tolerance: tolerance, "\(label) gradient \(index)", sourceLocation: sourceLocation)
    }
}

extension Device {
    /// Whether float64 tensors work here.
    public var hasFloat64: Bool { (try? Tensor([1.0], on: self).exp().array(of: Double.self)) != nil }
}
