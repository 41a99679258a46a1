import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

extension Matrix {
    /// The indices `places` of one axis.
    func taking(_ places: [Int], axis: Int) -> Matrix {
        let inner = shape[(axis + 1)...].reduce(1, *)
        let outer = shape[..<axis].reduce(1, *)
        var target = shape
        target[axis] = places.count
        var result: [Double] = []
        result.reserveCapacity(outer * places.count * inner)
        for block in 0..<outer {
            for place in places {
                let start = (block * shape[axis] + place) * inner
                result += values[start..<start + inner]
            }
        }
        return Matrix(shape: target, values: result)
    }
}

extension LossOracle.Given {
    /// The same inputs with `places` of a dimension, wherever it occurs, and indices into it renamed; nil where an input says how far to
    /// count.
    func taking(_ places: [Int], of dimension: String, in loss: LossDescription) -> LossOracle.Given? {
        var taken = self
        for input in loss.inputs {
            guard var matrix = inputs[input.name] else { continue }
            for (axis, name) in input.shape.enumerated() where name == dimension { matrix = matrix.taking(places, axis: axis) }
            switch input.values {
            case .lengths(dimension): return nil
            case .classes(dimension, let first):
                guard first == 0 else { return nil }
                for (index, value) in matrix.values.enumerated() {
                    guard let place = places.firstIndex(of: Int(value)) else { return nil }
                    matrix[index] = Double(place)
                }
            default: break
            }
            taken.inputs[input.name] = matrix
        }
        return taken
    }
}

extension LossMatrixTests {
    private func agree(_ a: [Double], _ b: [Double]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-10 * max(1, abs($1)) }
    }

    /// Rows, columns and classes in another order: what the formula says, and the same as before wherever the formula does not mind.
    @Test(arguments: Device.all, TestShare.of(names, every: 2, from: 1))
    func anotherOrder(device: Device, name: String) throws {
        let given = LossCase.standard(name)
        let loss = try given.loss()
        let tolerance = try given.oracle().tolerance
        let inputs = try given.draw(seed: 41)
        let expected = try given.expected(inputs)
        let plain = try given.evaluate(given.tensors(inputs, on: device)).array(of: Double.self)
        var random = SplitMix64(seed: 6)
        for dimension in Set(loss.inputs.flatMap(\.shape)).sorted() {
            let extent = loss.inputs.lazy.compactMap { input -> Int? in
                guard let axis = input.shape.firstIndex(of: dimension) else { return nil }
                return inputs.inputs[input.name]?.shape[axis]
            }.first
            guard let extent, extent > 1 else { continue }
            let order = (0..<extent).shuffled(using: &random)
            guard let moved = inputs.taking(order, of: dimension, in: loss) else { continue }
            let wanted = try given.expected(moved)
            let actual = try given.evaluate(given.tensors(moved, on: device)).array(of: Double.self)
            func label() -> String { "\(given.reproduction(moved, seed: 41, on: device)), \(dimension) in another order" }
            expectClose(actual, wanted, tolerance: tolerance, label())
            if agree(wanted, expected) { expectClose(actual, plain, tolerance: tolerance, "\(label()) and in the first") }
        }
    }

    /// A batch is its rows one by one, and its parts one after the other, wherever the formula says so: values and gradients.
    @Test(arguments: Device.all, names)
    func batchesAreTheirRowsAndTheirParts(device: Device, name: String) throws {
        let n = 7
        var given = LossCase.standard(name, n: n, reduction: .none)
        guard given.hasReduction else { return }
        let loss = try given.loss()
        let inputs = try given.draw(seed: 43)
        let elements = try given.expected(inputs)
        guard elements.count == n else { return }
        let rows = (0..<n).compactMap { inputs.taking([$0], of: "n", in: loss) }
        guard rows.count == n, agree(try rows.flatMap { try given.expected($0) }, elements) else { return }
        let oracle = try given.oracle()
        let tensors = try given.tensors(inputs, on: device)
        let whole = try given.evaluate(tensors).array(of: Double.self)
        let single = try rows.flatMap { try given.evaluate(given.tensors($0, on: device)).array(of: Double.self) }
        expectClose(single, whole, tolerance: oracle.tolerance, "\(given.reproduction(inputs, seed: 43, on: device)) row by row")

        given.reduction = .sum
        let (sum, slopes) = try given.slopes(tensors)
        // A sum's cotangent is one number, the same for each part.
        let parts = try [Array(0..<3), Array(3..<4), Array(4..<n)].compactMap { inputs.taking($0, of: "n", in: loss) }.map {
            try given.slopes(given.tensors($0, on: device))
        }
        func total(_ value: Tensor) throws -> Double { try value.array(of: Double.self).reduce(0, +) }
        let joint = try parts.reduce(0) { try $0 + total($1.value) }
        expectClose(
            [joint], [try total(sum)], tolerance: oracle.tolerance * 4,
            "\(given.reproduction(inputs, seed: 43, on: device)) in parts")
        for input in loss.inputs {
            guard let slope = slopes[input.name] else { continue }
            let pieces = try parts.compactMap { try $0.slopes[input.name]?.array(of: Double.self) }
            let expected = try slope.array(of: Double.self)
            let joined = pieces.flatMap { $0 }
            if input.shape.first == "n" {
                expectClose(joined, expected, tolerance: oracle.gradientTolerance, "\(given.testDescription), \(input.name) in parts")
            } else if !input.shape.contains("n") {
                let added = expected.indices.map { index in pieces.reduce(0) { $0 + $1[index] } }
                expectClose(added, expected, tolerance: oracle.gradientTolerance * 4, "\(given.testDescription), \(input.name) in parts")
            }
        }
    }
}
