import Foundation
import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Every reduction over every kind of shape, layout and type against loops over indices.
@Suite struct ReductionMatrixTests {
    /// One reduction, its reference on the elements it folds, and how far a result may be off: ulps of its type at what `scale` gives.
    private struct Reduction: Sendable {
        var name: String
        var ulps = 0.0
        var result: @Sendable (DType) -> DType = { $0 }
        var hasEmpty = true
        var largest = Int.max
        var scale: @Sendable ([Double], Double) -> Double = { abs($1) }
        var function: @Sendable (Tensor, [Int], Bool) throws -> Tensor
        var reference: @Sendable ([Double]) -> Double
    }

    private static func mean(_ x: [Double]) -> Double { compensatedSum(x) / Double(x.count) }
    private static func peak(_ x: [Double]) -> Double { x.reduce(1) { max($0, abs($1)) } }

    private static let all: [Reduction] = [
        .init(
            name: "sum", ulps: 0.5, result: { $0.isFloatingPoint ? $0 : .int64 }, function: { try $0.sum(axes: $1, keepDimensions: $2) },
            reference: { $0.reduce(0, +) }),
        .init(
            name: "mean", ulps: 1, result: { $0.isFloatingPoint ? $0 : .float32 }, function: { try $0.mean(axes: $1, keepDimensions: $2) },
            reference: mean),
        .init(
            name: "product", ulps: 16, result: { $0.isFloatingPoint ? $0 : .int64 }, largest: 30,
            function: { try $0.product(axes: $1, keepDimensions: $2) }, reference: { $0.reduce(1, *) }),
        .init(
            name: "max", hasEmpty: false, function: { try $0.max(axes: $1, keepDimensions: $2) },
            reference: { $0.max() ?? .nan }),
        .init(
            name: "min", hasEmpty: false, function: { try $0.min(axes: $1, keepDimensions: $2) },
            reference: { $0.min() ?? .nan }),
        .init(
            name: "variance", ulps: 8, result: { $0.isFloatingPoint ? $0 : .float32 }, scale: { x, _ in peak(x) * peak(x) },
            function: { try $0.variance(axes: $1, keepDimensions: $2) },
            reference: { x in
                let centre = mean(x)
                return compensatedSum(x.map { ($0 - centre) * ($0 - centre) }) / Double(max(x.count - 1, 0))
            }),
        .init(
            name: "norm", ulps: 4, result: { $0.isFloatingPoint ? $0 : .float32 }, function: { try $0.norm(axes: $1, keepDimensions: $2) },
            reference: { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }),
        .init(
            name: "norm 1", ulps: 1, result: { $0.isFloatingPoint ? $0 : .int64 },
            function: { try $0.norm(1, axes: $1, keepDimensions: $2) },
            reference: { $0.reduce(0) { $0 + abs($1) } }),
        .init(
            name: "logSumExp", ulps: 8, result: { $0.isFloatingPoint ? $0 : .float32 }, scale: { max(peak($0), abs($1)) },
            function: { try $0.logSumExp(axes: $1, keepDimensions: $2) }, reference: logSumExp),
        .init(
            name: "any", result: { _ in .bool }, function: { try $0.any(axes: $1, keepDimensions: $2) },
            reference: { $0.contains { $0 != 0 } ? 1 : 0 }),
        .init(
            name: "all", result: { _ in .bool }, function: { try $0.all(axes: $1, keepDimensions: $2) },
            reference: { $0.contains(0) ? 0 : 1 }),
    ]

    @Test(arguments: Device.all, Sample.shapes)
    func reductionsAgreeWithLoops(device: Device, shape: [Int]) throws {
        for (number, (dtype, layout)) in Sample.dtypes(on: device).flatMap({ dtype in Layout.allCases.map { (dtype, $0) } }).enumerated() {
            let seed = UInt64(number)
            let sample = try Sample(shape: shape, dtype: dtype, layout: layout, on: device, seed: seed)
            var random = SplitMix64(seed: seed)
            var folds = [Array(shape.indices), [], shape.indices.filter { _ in Bool.random(using: &random) }]
            if let last = shape.indices.last { folds.append([last]) }
            for axes in Set(folds) {
                let keep = Bool.random(using: &random)
                let groups = Groups(sample.model, axes, keepDimensions: keep)
                for reduction in Self.all where groups.length <= reduction.largest {
                    let label = "\(reduction.name) over \(axes), keepDimensions \(keep), of \(layout) \(dtype) \(shape), seed \(seed)"
                    if !reduction.hasEmpty, groups.length == 0 {
                        #expect(throws: TensorError.self, "\(label)") { try reduction.function(sample.tensor, axes, keep) }
                    } else {
                        try check(reduction, groups, reduction.function(sample.tensor, axes, keep), dtype, label)
                    }
                }
            }
        }
    }

    /// The elements that each result folds.
    private struct Groups {
        var shape: [Int]
        var elements: [[Double]]
        var length: Int

        init(_ model: NaiveArray, _ axes: [Int], keepDimensions: Bool) {
            var elements: [[Double]] = []
            shape =
                model.fold(axes, keepDimensions: keepDimensions) {
                    elements.append($0)
                    return 0
                }.shape
            self.elements = elements
            length = axes.reduce(1) { $0 * model.shape[$1] }
        }
    }

    private func check(_ reduction: Reduction, _ groups: Groups, _ actual: Tensor, _ dtype: DType, _ label: String) throws {
        let result = reduction.result(dtype)
        #expect(actual.dtype == result && actual.shape == groups.shape, "\(label): \(actual.dtype) of shape \(actual.shape)")
        let values = try actual.array(of: Double.self)
        for (value, elements) in zip(values, groups.elements) {
            let expected = reduction.reference(elements)
            let scale = reduction.scale(elements, expected)
            let allowed = reduction.ulps * (result.isFloatingPoint && scale.isFinite ? result.ulp(at: scale) / result.ulp(at: expected) : 0)
            let error = result.isFloatingPoint ? result.error(of: value, from: expected) : (value == expected ? 0 : .infinity)
            if error > allowed {
                Issue.record("\(label): \(value), expected \(expected)")
                return
            }
        }
    }

    @Test(arguments: Device.all, Sample.shapes)
    func positionsAndScansAgreeWithLoops(device: Device, shape: [Int]) throws {
        guard !shape.isEmpty else { return }
        for (number, (dtype, layout)) in Sample.dtypes(on: device).flatMap({ dtype in Layout.allCases.map { (dtype, $0) } }).enumerated() {
            let seed = UInt64(1000 + number)
            let sample = try Sample(shape: shape, dtype: dtype, layout: layout, on: device, seed: seed)
            let axis = number % shape.count
            let label = "axis \(axis) of \(layout) \(dtype) \(shape), seed \(seed)"
            if shape[axis] > 0 {
                func first(_ x: [Double], _ isBetter: (Double, Double) -> Bool) -> Double {
                    Double(x.indices.dropFirst().reduce(0) { isBetter(x[$1], x[$0]) ? $1 : $0 })
                }
                try expectEqual(
                    sample.tensor.argMax(axis: axis, keepDimensions: true),
                    sample.model.fold([axis], keepDimensions: true) { first($0, >) },
                    .int64, "argMax along " + label)
                try expectEqual(
                    sample.tensor.argMin(axis: axis), sample.model.fold([axis]) { first($0, <) }, .int64, "argMin along " + label)
                let running = try sample.tensor.cumulativeMax(axis: axis)
                let prefix = sample.model.shape[axis] > 100 ? nil : sample.model.scan(axis: axis) { $0.max() ?? .nan }
                if let prefix { try expectEqual(running.values, prefix, dtype, "cumulativeMax along " + label) }
            }
            // Long prefixes cost too much as loops of loops.
            guard shape[axis] <= 100 else { continue }
            try expectEqual(
                sample.tensor.cumulativeSum(axis: axis), sample.model.scan(axis: axis) { $0.reduce(0, +) },
                dtype.isFloatingPoint ? dtype : .int64,
                "cumulativeSum along " + label)
        }
    }
}

/// Expects a tensor of a shape, type and exact elements.
func expectEqual(_ actual: Tensor, _ expected: NaiveArray, _ dtype: DType, _ label: String) throws {
    #expect(actual.dtype == dtype && actual.shape == expected.shape, "\(label): \(actual.dtype) of shape \(actual.shape)")
    let values = try actual.array(of: Double.self)
    let wrong = zip(values, expected.values).enumerated().first { $1.0 != kept($1.1, by: dtype) && !($1.0.isNaN && $1.1.isNaN) }
    if let wrong { Issue.record("\(label): element \(wrong.offset) is \(wrong.element.0), expected \(wrong.element.1)") }
}
