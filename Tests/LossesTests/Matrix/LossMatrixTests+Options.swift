import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

extension LossDescription.Option {
    /// Settings that differ from the default: each other word, the other flag, a number nearby.
    var others: [String] {
        switch value {
        case .choice(let standard, let words): words.filter { $0 != standard }
        case .flag(let standard): ["\(!standard)"]
        case .integer(let standard): [standard < 0 ? "0" : "\(standard + 1)"]
        case .number(let standard): [standard.map { $0 == 0 ? "0.3" : "\($0 * 0.75)" } ?? "0.5"]
        case .numbers(let standard): [standard.map { "\($0 * 0.75)" }.joined(separator: ",")]
        }
    }
}

extension LossCase {
    /// A standard case of a handful of rows.
    fileprivate static func few(_ name: String) -> LossCase {
        let sizes = LossOracle.named(name)?.sizes ?? []
        return .standard(name, n: sizes.contains(17) && sizes.min() ?? 0 < 8 ? 7 : sizes.last)
    }
}

extension LossMatrixTests {
    /// Every option of every loss at every word, or at another number, one at a time.
    static let optionCases: [LossCase] = LossRegistry.all.flatMap { loss in
        loss.options.filter { $0.name != "reduction" }.flatMap { option in
            option.others.map { text in
                var given = LossCase.few(loss.name)
                given.options[option.name] = text
                return given
            }
        }
    }

    /// Values and gradients at each setting are the formula's on every device; a setting that one device refuses, all refuse. Where the
    /// formula does not know an option, devices are held against each other, and the log says so.
    @Test(arguments: Device.all, TestShare.of(optionCases) { _ in false })
    func everyOptionAgreesWithTheOracle(device: Device, given: LossCase) throws {
        let standard = LossCase.few(given.name)
        let inputs = try given.draw(seed: 11)
        func value(_ given: LossCase, on device: Device) throws -> [Double] {
            try given.evaluate(given.tensors(given.draw(seed: 11), on: device)).array(of: Double.self)
        }
        let expected: [Double]
        do {
            expected = try value(given, on: .cpu)
        } catch is TensorError {
            #expect(throws: TensorError.self, "\(given.testDescription)") { try value(given, on: device) }
            return
        }
        let isKnown = try given.expected(inputs) != standard.expected(standard.draw(seed: 11)) || expected == value(standard, on: .cpu)
        guard isKnown else {
            let option = given.options.first { standard.options[$0.key] != $0.value }?.key ?? ""
            print("matrix: the oracle of \(given.name) does not know \(option)")
            expectClose(try value(given, on: device), expected, tolerance: try given.oracle().tolerance, "\(given.testDescription)")
            return
        }
        try RegistryTests().valuesAgreeWithTheOracle(device: device, given: given)
        try RegistryTests().gradientsAgreeWithTheOracle(device: device, given: given)
    }
}
