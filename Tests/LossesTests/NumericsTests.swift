import Foundation
import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Synchronization
import Testing

/// Inputs that make rounding show.
enum Regime: String, CaseIterable, Codable {
    case benign, tiny, huge, offset, nearTies, nearDuplicates

    /// Real inputs of any sign moved into the regime; what is bounded by its meaning stays.
    func moved(_ matrix: Matrix) -> Matrix {
        var matrix = matrix
        let columns = max(1, matrix.columns)
        for index in matrix.values.indices {
            let x = matrix[index]
            let value =
                switch self {
                case .benign: x
                case .tiny: x * 1e-30
                case .huge: x * 1e30
                case .offset: x + 1e4
                case .nearTies: 1 + x * 1e-6
                case .nearDuplicates: matrix[index % columns] + (index < columns ? 0 : x * 1e-6)
                }
            matrix[index] = Double(Float(value))
        }
        return matrix
    }
}

/// The worst errors of every loss, in units of what rounding its inputs once to float32 does to its value, against the figures on record.
@Suite struct NumericsTests {
    typealias Table = [String: [String: Double]]

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../docs")
        .standardizedFileURL
    private static let record = folder.appendingPathComponent("numerics.json")
    private static let page = folder.appendingPathComponent("numerics.md")
    private static let isRecording = ProcessInfo.processInfo.environment["LOSSKIT_RECORD_NUMERICS"] != nil
    private static let recorded = Result {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "overflow", negativeInfinity: "-", nan: "nan")
        return try decoder.decode(Table.self, from: Data(contentsOf: record))
    }
    private static let found = Mutex<Table>([:])

    /// More units than this are a value lost, unless it is too small for its squares to be numbers of float32.
    private static let lost = 1e4
    /// Losses that lose values, and why.
    private static let losing = [
        "sinkhornDivergence": "its iterations stop before the potentials' difference does",
        "sparseTransport huge": "its iterations end before costs that are far above gamma are weighed",
        "hausdorffDivergence nearTies": "soft distances are rounded before their difference is taken",
        "hausdorffDivergence tiny": "soft distances are rounded before their difference is taken",
        "persistenceEntropy tiny": "lengths whose squares vanish are 0, and shares of their sum nothing",
        "topologicalSignature tiny": "lengths whose squares vanish are 0, and shares of their sum nothing",
        "spanningTreeEntropy tiny": "the logarithm of a length whose square vanishes",
        "spanningTreeDimension tiny": "the logarithm of a length whose square vanishes",
    ]

    /// Errors of one loss by regime; a regime is left out where the formula in doubles has no finite value that float32 holds. Infinite
    /// where a value overflows or is refused.
    private func errors(_ loss: LossDescription) throws -> [String: Double] {
        let found = LossOracle.named(loss.name)
        let oracle = try #require(found)
        let given = LossCase.standard(loss.name, n: oracle.sizes.last ?? 9)
        var errors: [String: Double] = [:]
        for regime in Regime.allCases {
            for seed in 1...(Self.isRecording || TestShare.isWhole ? 3 : 1) as ClosedRange<UInt64> {
                var inputs = try given.draw(seed: 100 + seed)
                for input in loss.inputs {
                    guard case .real(let range) = input.values, range.lowerBound < 0, let drawn = inputs.inputs[input.name] else {
                        continue
                    }
                    inputs.inputs[input.name] = regime.moved(drawn)
                }
                let expected = try given.expected(inputs)
                guard expected.allSatisfy({ abs($0) < Double(Float.greatestFiniteMagnitude) }) else { continue }
                let units = try self.units(given, inputs, loss, around: expected)
                let largest = loss.inputs.filter { !$0.values.isInteger }.flatMap { inputs[$0.name].values }.reduce(0) { max($0, abs($1)) }
                for device in Device.all {
                    let label = "\(loss.name) \(regime) seed \(100 + seed) on \(device)"
                    let error = worst(of: try values(given, inputs, on: device), expected, units, largest: largest, label)
                    errors[regime.rawValue] = max(errors[regime.rawValue] ?? 0, error)
                }
            }
        }
        return errors
    }

    /// A loss may also refuse what it cannot hold.
    private func values(_ given: LossCase, _ inputs: LossOracle.Given, on device: Device) throws -> [Double]? {
        do {
            return try given.evaluate(given.tensors(inputs, on: device)).array(of: Double.self)
        } catch is TensorError {
            return nil
        }
    }

    /// The worst error of a case; values may be out of range only where squares of the inputs are, and lost only where squares vanish.
    private func worst(of actual: [Double]?, _ expected: [Double], _ units: [Double], largest: Double, _ label: String) -> Double {
        let overflows = largest * largest * 64 > Double(Float.greatestFiniteMagnitude)
        guard let actual else {
            #expect(overflows, "\(label) is refused, expected \(expected)")
            return .infinity
        }
        var worst = 0.0
        for (index, value) in actual.enumerated() {
            let error = value.isFinite ? abs(value - expected[index]) / units[index] : .infinity
            let isKnown = Self.losing.keys.contains(where: label.hasPrefix)
            if error.isInfinite, !overflows, !isKnown { Issue.record("\(label) is \(value), expected \(expected[index])") }
            let vanishing = 64 * Double(Float.leastNormalMagnitude).squareRoot()
            if error.isFinite, error > Self.lost, abs(value - expected[index]) > vanishing, !isKnown {
                Issue.record("\(label) is \(value), expected \(expected[index]): \(error) units")
            }
            worst = max(worst, error)
        }
        return worst
    }

    /// How far the values go when every input is off by half a unit in its last place, at random, and the values themselves are rounded.
    private func units(
        _ given: LossCase, _ inputs: LossOracle.Given, _ loss: LossDescription, around expected: [Double]
    ) throws -> [Double] {
        var random = SplitMix64(seed: 77)
        let noise = Double(Float.leastNonzeroMagnitude) + (LossOracle.named(loss.name)?.noise ?? 0)
        var units = expected.map { abs($0) * 0x1p-24 + noise }
        for _ in 0..<8 {
            var moved = inputs
            for input in loss.inputs where !input.values.isInteger {
                let values = inputs[input.name].values.map { $0 * (1 + (Bool.random(using: &random) ? 0x1p-24 : -0x1p-24)) }
                if inputs.inputs[input.name] != nil { moved.inputs[input.name]?.values = values }
            }
            for (index, value) in try given.expected(moved).enumerated() where value.isFinite {
                units[index] = max(units[index], abs(value - expected[index]))
            }
        }
        return units
    }

    /// No loss is worse than on record by more than half (and a unit); `LOSSKIT_RECORD_NUMERICS=1` writes a new record once all are
    /// measured.
    @Test(arguments: LossRegistry.all.map(\.name))
    func errorsAreNoWorseThanOnRecord(name: String) throws {
        let found = LossRegistry.named(name)
        let errors = try errors(try #require(found))
        guard !Self.isRecording else { return try keep(errors, of: name) }
        let recorded = try Self.recorded.get()
        for (regime, error) in errors {
            guard let limit = recorded[name]?[regime] else {
                Issue.record("\(name) \(regime) is not on record: run with LOSSKIT_RECORD_NUMERICS=1")
                continue
            }
            #expect(error <= 1.5 * limit + 1, "\(name) \(regime): \(error) units, \(limit) on record")
        }
    }

    /// Adds a loss to what is found, and writes record and page with the last one.
    private func keep(_ errors: [String: Double], of name: String) throws {
        try Self.found.withLock { found in
            found[name] = errors.mapValues { ($0 * 10).rounded(.up) / 10 }
            guard found.count == LossRegistry.all.count else { return }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "overflow", negativeInfinity: "-", nan: "nan")
            try encoder.encode(found).write(to: Self.record)
            try Data(document(found).utf8).write(to: Self.page)
        }
    }

    private func document(_ table: Table) -> String {
        func cell(_ error: Double?) -> String {
            guard let error else { return "" }
            return error.isInfinite ? "out of range" : error > Self.lost ? "lost" : String(format: "%.1f", error)
        }
        let rows = table.sorted { $0.key < $1.key }.map { name, errors in
            "| `\(name)` | " + Regime.allCases.map { cell(errors[$0.rawValue]) }.joined(separator: " | ") + " |\n"
        }
        let figures = table.flatMap { name, errors in errors.map { (name: name, regime: $0.key, error: $0.value) } }
            .sorted { ($1.error, $0.name, $0.regime) < ($0.error, $1.name, $1.regime) }
        let above = [1, 10, 100].map { limit in figures.count { $0.error > Double(limit) } }
        let worst = figures.prefix(20).map { "\(cell($0.error)) for `\($0.name)`, \($0.regime)" }.joined(separator: "; ")
        return """
            # How accurate the losses are

            The worst error of each loss's value on any device here, in units of what rounding every input once to float32 does to it: below 1,
            the loss is as exact as its inputs. Measured against the formula in doubles by `NumericsTests`, which fails when a figure gets worse
            and writes this page with `LOSSKIT_RECORD_NUMERICS=1`. Nothing stands where the true value is no float32 number.

            Inputs are drawn benign; times 1e-30 (tiny) and 1e30 (huge); 1e4 away from 0 (offset); within 1e-6 of 1 (ties); as rows within 1e-6 of
            one another (duplicates). "out of range" and "lost" name losses whose squares over- or underflow though their value does not (some
            refuse such input): scale it first.

            Of \(figures.count) figures \(above[0]) are above 1, \(above[1]) above 10 and \(above[2]) above 100. The worst: \(worst).

            | loss | benign | tiny | huge | offset | ties | duplicates |
            | --- | --- | --- | --- | --- | --- | --- |

            """ + rows.joined()
    }
}
