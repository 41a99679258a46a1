import Foundation
import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct FormulaTests {
    /// One pair, blocks that are not full, several blocks and groups, and enough coordinates for products of matrices.
    private static let sizes = [(1, 1, 2), (7, 300, 3), (150, 33, 5), (21, 270, 40), (9, 17, 129)]

    /// Of one coordinate points are scalars, which makes other programs; one formula stands for all.
    private func sizes(_ formulaCase: FormulaCase, _ sizes: [(Int, Int, Int)]) -> [(Int, Int, Int)] {
        sizes + (formulaCase.name == "Laplacian" || formulaCase.name == "kernel product" ? [(4, 5, 1)] : [])
    }

    private func sums(_ formulaCase: FormulaCase, _ sample: FormulaSample) -> (sums: [Double], scales: [Double]) {
        var (sums, scales) = ([Double](), [Double]())
        for i in 0..<sample.x.rows {
            let values = sample.values(formulaCase, i)
            for k in values[0].indices {
                sums.append(values.reduce(0) { $0 + $1[k] })
                scales.append(values.reduce(0) { $0 + abs($1[k]) })
            }
        }
        return (sums, scales)
    }

    @Test(arguments: Device.all, FormulaCase.scalars + FormulaCase.vectors)
    func sumsAgreeWithTheFunction(device: Device, formulaCase: FormulaCase) throws {
        for (n, m, d) in sizes(formulaCase, Self.sizes) {
            let sample = FormulaSample(n: n, m: m, d: d)
            let expected = sums(formulaCase, sample)
            let result = try formulaCase.formula(FormulaSample.inputs(sample.tensors(on: device))).sum(over: .y)
            #expect(
                result.shape
                    == (formulaCase.expected(sample.pair(0, 0)).count == 1 && result.rank == 1 ? [n] : [n, expected.sums.count / n]))
            let scale = expected.scales.map { max($0, 1e-3) }
            expectClose(
                try result.array(of: Double.self), expected.sums, tolerance: 4e-6 * max(1, Double(d) / 16), scale: scale, "\(n) \(m) \(d)")
        }
    }

    @Test(arguments: Device.all, FormulaCase.scalars + FormulaCase.vectors)
    func gradientsOfSumsAgreeWithDifferencesOfTheFunction(device: Device, formulaCase: FormulaCase) throws {
        for (n, m, d) in sizes(formulaCase, [(3, 6, 3), (3, 4, 34)]) {
            let sample = FormulaSample(n: n, m: m, d: d, seed: 3)
            let count = sums(formulaCase, sample).sums.count
            var random = SplitMix64(seed: 5)
            let weights = random.values(count, in: 0.5...1.5).map { Double(Float($0)) }
            let gradients = try gradient(at: sample.tensors(on: device)) { tensors in
                let result = try formulaCase.formula(FormulaSample.inputs(tensors)).sum(over: .y)
                return try (result * Tensor(weights, shape: result.shape, on: device).asType(.float32)).sum()
            }
            let expected = sample.differences { sample in zip(sums(formulaCase, sample).sums, weights).reduce(0) { $0 + $1.0 * $1.1 } }
            for (part, (actual, expected)) in zip(gradients, expected).enumerated() {
                try expectClose(actual, expected, tolerance: 2e-5, "\(n) \(m) \(d) part \(part)")
            }
        }
    }

    @Test(arguments: Device.all, FormulaCase.scalars)
    func logSumExpAgreesWithTheFunction(device: Device, formulaCase: FormulaCase) throws {
        for (n, m, d) in sizes(formulaCase, Self.sizes) {
            let sample = FormulaSample(n: n, m: m, d: d, seed: 2)
            let inputs = FormulaSample.inputs(try sample.tensors(on: device))
            let formula = formulaCase.formula(inputs)
            let expected = (0..<n).map { logSumExp(sample.values(formulaCase, $0).map { $0[0] }) }
            try expectClose(formula.logSumExp(over: .y), expected, tolerance: 4e-6 * max(1, Double(d) / 16), "\(n) \(m) \(d)")
            let weighted = (0..<n).map { i in
                logSumExp(sample.values(formulaCase, i).enumerated().map { $1[0] + log(sample.w[$0, 0]) })
            }
            try expectClose(
                formula.logSumExp(over: .y, weights: inputs.w), weighted, tolerance: 4e-6 * max(1, Double(d) / 16),
                "weighted \(n) \(m) \(d)")
        }
    }

    /// Four of them: every gradient of every formula is a program of its own.
    @Test(arguments: Device.all, FormulaCase.scalars.filter { ["Gaussian", "Laplacian", "perceptron", "nested sums"].contains($0.name) })
    func gradientsOfLogSumExpAgreeWithDifferencesOfTheFunction(device: Device, formulaCase: FormulaCase) throws {
        let sample = FormulaSample(n: 4, m: 5, d: 3, seed: 7)
        var random = SplitMix64(seed: 5)
        let cotangent = random.values(4, in: 0.5...1.5).map { Double(Float($0)) }
        let gradients = try gradient(at: sample.tensors(on: device)) { tensors in
            let inputs = FormulaSample.inputs(tensors)
            let result = try formulaCase.formula(inputs).logSumExp(over: .y, weights: inputs.w)
            return try (result * Tensor(cotangent, shape: [4], on: device).asType(.float32)).sum()
        }
        let expected = sample.differences { sample in
            (0..<4).reduce(0) { total, i in
                total + cotangent[i] * logSumExp(sample.values(formulaCase, i).enumerated().map { $1[0] + log(sample.w[$0, 0]) })
            }
        }
        for (part, (actual, expected)) in zip(gradients, expected).enumerated() {
            try expectClose(actual, expected, tolerance: 1e-5, "part \(part)")
        }
    }
}
