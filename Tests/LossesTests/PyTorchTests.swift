import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Values and gradients that PyTorch gave for the losses it has, written by `Tests/Peers/pytorch_golden.py`.
@Suite struct PyTorchTests {
    /// A tensor in the file; what is not finite is written as a word.
    struct Numbers: Decodable, Sendable {
        let type: String
        let shape: [Int]
        let values: [Double]

        enum Key: CodingKey { case type, shape, values }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            type = try container.decode(String.self, forKey: .type)
            shape = try container.decode([Int].self, forKey: .shape)
            var list = try container.nestedUnkeyedContainer(forKey: .values)
            var values: [Double] = []
            while !list.isAtEnd {
                if let number = try? list.decode(Double.self) {
                    values.append(number)
                } else {
                    values.append(Double(try list.decode(String.self)) ?? .nan)
                }
            }
            self.values = values
        }

        func tensor(on device: Device) throws -> Tensor {
            type == "integer"
                ? try Tensor(values.map { Int($0) }, shape: shape, on: device)
                : try Tensor(values.map { Float($0) }, shape: shape, on: device)
        }
    }

    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let loss: String
        let note: String
        let options: [String: String]
        let inputs: [String: Numbers]
        let through: String?
        let value: Numbers
        let cotangent: Numbers
        let gradients: [String: Numbers]

        var testDescription: String {
            ([loss] + options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } + [note]).joined(separator: " ")
        }
    }

    struct File: Decodable {
        let torch: String
        let cases: [Case]
    }

    static func read() throws -> File {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try JSONDecoder().decode(File.self, from: Data(contentsOf: folder.appendingPathComponent("Peers/pytorch_golden.json")))
    }

    @Test(arguments: Device.all)
    func valuesAndGradientsAgree(device: Device) throws {
        let file = try Self.read()
        #expect(file.cases.count > 100)
        for given in file.cases {
            let found = LossRegistry.named(given.loss)
            let loss = try #require(found, "\(given.loss)")
            let tensors = try given.inputs.mapValues { try $0.tensor(on: device) }
            func evaluate(_ tensors: [String: Tensor]) throws -> Tensor {
                var tensors = tensors
                if given.through == "logSoftmax" { tensors["logProbabilities"] = try tensors["logProbabilities"]?.logSoftmax() }
                return try loss(tensors, options: given.options)
            }
            let value = try evaluate(tensors)
            #expect(value.shape == given.value.shape, "\(given.testDescription)")
            // Beside the usual rounding, that of the largest input.
            let largest = given.inputs.values.flatMap { $0.values }.filter { $0.isFinite }.map { abs($0) }.max() ?? 0
            try expectClose(value, given.value.values, tolerance: 4e-6 + 1e-7 * largest, given.testDescription)
            let names = given.gradients.keys.sorted()
            let cotangent = try given.cotangent.tensor(on: device)
            let slopes = try gradient(at: names.compactMap { tensors[$0] }) { points in
                try (evaluate(tensors.merging(zip(names, points)) { $1 }) * cotangent).sum()
            }
            for (name, slope) in zip(names, slopes) {
                try expectClose(slope, given.gradients[name]?.values ?? [], tolerance: 8e-6, "\(given.testDescription) gradient of \(name)")
            }
        }
    }
}
