import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// `losskit eval` of every registered loss on inputs made from its description: values, and the same ones on every device.
@Suite struct EveryLossTests {
    /// How many there are of each dimension, by name, and where 4 would not do.
    private static let extents = ["pair": 2, "row": 3, "xyz": 3]
    /// Losses that need more: images larger than their windows, points enough for a covariance or for the sizes of samples.
    private static let larger: [String: [String: Int]] = [
        "ssim": ["h": 12, "w": 13],
        "multiScaleSSIM": ["n": 1, "c": 1, "h": 161, "w": 162],
        "spanningTreeDimension": ["n": 12],
        "whitenedMSE": ["n": 9],
    ]
    private static let names = LossRegistry.all.map(\.name)

    @Test func thereAreNoOthers() {
        #expect(Self.larger.keys.allSatisfy(Self.names.contains))
    }

    @Test(arguments: TestShare.of(names, every: 8)) func devicesAgree(name: String) throws {
        let loss = try LossRegistry.loss(named: name)
        let folder = try Folder()
        var random = SplitMix64(seed: 21)
        let standard = Dictionary(
            loss.inputs.flatMap(\.shape).map { ($0, Self.extents[$0] ?? 4) }, uniquingKeysWith: { first, _ in first })
        let extents = standard.merging(Self.larger[name] ?? [:]) { $1 }
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
        for outcome in outcomes where outcome.status != 0 { Issue.record("\(name): \(outcome.errors)") }
        guard outcomes.allSatisfy({ $0.status == 0 }) else { return }
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
