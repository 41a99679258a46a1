import Foundation
import LossKit
import LossKitTestSupport
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

    /// Errors of one loss by regime; a regime is left out where the formula in doubles has no finite value that float32 holds.
    private func errors(_ loss: LossDescription, on device: Device) throws -> [String: Double] {
        let found = LossOracle.named(loss.name)
        let oracle = try #require(found)
        var errors: [String: Double] = [:]
        for regime in Regime.allCases {
            for seed in 1...3 as ClosedRange<UInt64> {
                let given = LossCase(
                    name: loss.name, options: oracle.options, extents: oracle.extents.merging(["n": oracle.sizes.last ?? 9]) { $1 })
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
                // A loss may also refuse what it cannot hold.
                let actual = try? given.evaluate(given.tensors(inputs, on: device)).array(of: Double.self)
                for (index, value) in (actual ?? expected.map { _ in .infinity }).enumerated() {
                    let error = value.isFinite ? abs(value - expected[index]) / units[index] : Double.infinity
                    errors[regime.rawValue] = max(errors[regime.rawValue] ?? 0, error)
                }
            }
        }
        return errors
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

    /// No loss is worse than on record by more than half (and a unit); `LOSSKIT_RECORD_NUMERICS=1` writes a new record.
    @Test func errorsAreNoWorseThanOnRecord() throws {
        var table: Table = [:]
        for loss in LossRegistry.all {
            for device in Device.all {
                table[loss.name, default: [:]].merge(try errors(loss, on: device), uniquingKeysWith: max)
            }
        }
        if ProcessInfo.processInfo.environment["LOSSKIT_RECORD_NUMERICS"] != nil {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "overflow", negativeInfinity: "-", nan: "nan")
            let rounded = table.mapValues { $0.mapValues { ($0 * 10).rounded(.up) / 10 } }
            try encoder.encode(rounded).write(to: Self.record)
            try Data(document(rounded).utf8).write(to: Self.page)
            return
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "overflow", negativeInfinity: "-", nan: "nan")
        let recorded = try decoder.decode(Table.self, from: Data(contentsOf: Self.record))
        for (name, errors) in table {
            for (regime, error) in errors {
                guard let limit = recorded[name]?[regime] else {
                    Issue.record("\(name) \(regime) is not on record: run with LOSSKIT_RECORD_NUMERICS=1")
                    continue
                }
                #expect(error <= 1.5 * limit + 1, "\(name) \(regime): \(error) units, \(limit) on record")
            }
        }
    }

    private func document(_ table: Table) -> String {
        func cell(_ error: Double?) -> String {
            guard let error else { return "" }
            return error.isInfinite ? "out of range" : error > 1e5 ? "lost" : String(format: "%.1f", error)
        }
        let rows = table.sorted { $0.key < $1.key }.map { name, errors in
            "| `\(name)` | " + Regime.allCases.map { cell(errors[$0.rawValue]) }.joined(separator: " | ") + " |\n"
        }
        return """
            # How accurate the losses are

            The worst error of each loss's value on any device here, in units of what rounding every input once to float32 does to it: below 1,
            the loss is as exact as its inputs. Measured against the formula in doubles by `NumericsTests`, which fails when a figure gets worse
            and writes this page with `LOSSKIT_RECORD_NUMERICS=1`. Nothing stands where the true value is no float32 number.

            Inputs are drawn benign; times 1e-30 (tiny) and 1e30 (huge); 1e4 away from 0 (offset); within 1e-6 of 1 (ties); as rows within 1e-6 of
            one another (duplicates). "out of range" and "lost" name losses whose squares over- or underflow though their value does not (some refuse such input): scale it first.

            | loss | benign | tiny | huge | offset | ties | duplicates |
            | --- | --- | --- | --- | --- | --- | --- |

            """ + rows.joined()
    }
}
