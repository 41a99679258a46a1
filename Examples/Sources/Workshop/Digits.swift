import Foundation
import LossKit

/// The handwritten digits of Benchmarks/Data, shuffled by a fixed seed: four fifths to train with, the rest to look at.
public struct Digits {
    public let training: (images: Tensor, labels: Tensor)
    public let heldOut: (images: Tensor, labels: Tensor)

    public init(on device: Device = .default) throws {
        let folder = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
            .appendingPathComponent("Benchmarks/Data").path
        let images = try Tensor.load(folder + "/digits-images.npy", on: device).asType(.float32).reshaped([-1, 64]) / 16
        let labels = try Tensor.load(folder + "/digits-labels.npy", on: device)
        var random = Philox(seed: 1)
        let order = try Tensor.permutation(images.shape[0], using: &random, on: device)
        let cut = images.shape[0] * 4 / 5
        let (mixedImages, mixedLabels) = (try images.rows(at: order), try labels.rows(at: order))
        training = (mixedImages[0..<cut], mixedLabels[0..<cut])
        heldOut = (mixedImages[cut..<images.shape[0]], mixedLabels[cut..<images.shape[0]])
    }

    /// Positions of the training images in a new order, in batches.
    public func batches(of size: Int, using random: inout Philox) throws -> [Tensor] {
        let count = training.images.shape[0]
        let order = try Tensor.permutation(count, using: &random, on: training.images.device)
        return (0..<count / size).map { order[$0 * size..<($0 + 1) * size] }
    }
}

/// Fully connected layers with GELU between them.
public struct Network {
    public var parameters: [Tensor] = []
    private let layers: Int

    /// Weights evenly spread within +-sqrt(6 / inputs), biases 0.
    public init(_ widths: [Int], using random: inout Philox, on device: Device = .default) throws {
        layers = widths.count - 1
        for (inputs, outputs) in zip(widths, widths.dropFirst()) {
            let bound = (6 / Double(inputs)).squareRoot()
            parameters.append(try .uniform([inputs, outputs], low: -bound, high: bound, using: &random, on: device))
            parameters.append(try .zeros([outputs], on: device))
        }
    }

    /// The network's outputs with these parameters rather than its own.
    public func callAsFunction(_ inputs: Tensor, _ parameters: ArraySlice<Tensor>) throws -> Tensor {
        let p = Array(parameters)
        return try (0..<layers).reduce(inputs) { values, layer in
            let outputs = try values.matmul(p[2 * layer]) + p[2 * layer + 1]
            return layer == layers - 1 ? outputs : outputs.gelu()
        }
    }

    /// The network's outputs.
    public func callAsFunction(_ inputs: Tensor) throws -> Tensor { try self(inputs, parameters[...]) }
}
