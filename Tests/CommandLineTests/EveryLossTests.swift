import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// `losskit eval` of every registered loss on inputs made from its description: the same on every device.
@Suite struct EveryLossTests {
    @Test(arguments: TestShare.of(LossRegistry.all.map(\.name), every: 8)) func devicesAgree(name: String) throws {
        let loss = try LossRegistry.loss(named: name)
        let folder = try Folder()
        var random = SplitMix64(seed: 21)
        let extents = Dictionary(loss.inputs.flatMap(\.shape).map { ($0, 4) }, uniquingKeysWith: { first, _ in first })
        var arguments = ["eval", name, "--json"]
        for input in loss.inputs where !input.isOptional {
            let (values, shape) = (input.draw(extents: extents, using: &random), input.shape.map { extents[$0] ?? 1 })
            let file = "\(input.name).npy"
            arguments += ["--input"]
            arguments += [
                try input.name + "="
                    + (input.values.isInteger
                        ? folder.write(file, values.map { Int64($0) }, shape: shape)
                        : folder.write(file, values.map { Float($0) }, shape: shape))
            ]
        }
        let outcomes = try CommandLineTests.devices.map { try CommandLineTool.run(arguments + ["--device", $0]) }
        #expect(outcomes.allSatisfy { $0.status == outcomes[0].status }, "\(outcomes.map(\.errors))")
        guard outcomes[0].status == 0 else {
            // Inputs drawn without thought may not fit; then both say so in the same words.
            #expect(outcomes.allSatisfy { $0.status == 2 && $0.errors == outcomes[0].errors }, "\(outcomes.map(\.errors))")
            return
        }
        let values = outcomes.map { numbers($0.object["value"]) }
        #expect(!values[0].isEmpty)
        for other in values.dropFirst() { expectClose(other, values[0], tolerance: 2e-5, name) }
    }

    private func numbers(_ value: Any?) -> [Double] {
        switch value {
        case let list as [Any]: list.flatMap(numbers)
        case let number as NSNumber: [number.doubleValue]
        case let text as String: [Double(text) ?? .nan]
        default: []
        }
    }
}
