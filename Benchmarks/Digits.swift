import ArgumentParser
import Foundation
import LossKit

/// The handwritten digits, shuffled once by a fixed seed and split into training and held-out images.
struct Digits {
    let training: (images: Tensor, labels: Tensor)
    let heldOut: (images: Tensor, labels: Tensor)

    /// Where the images are: beside this source, or on a machine that has only the program in `Data` beside that.
    static func folder() throws -> String {
        let program = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        let places = [URL(fileURLWithPath: #filePath), program].map { $0.deletingLastPathComponent().appendingPathComponent("Data").path }
        guard let place = places.first(where: { FileManager.default.fileExists(atPath: $0 + "/digits-images.npy") }) else {
            throw ValidationError("expected the digits in \(places[1]): copy Benchmarks/Data there, or choose kernels with --filter")
        }
        return place
    }

    init(folder: String, on device: Device) throws {
        let images = try Tensor.load(folder + "/digits-images.npy", on: device).asType(.float32).reshaped([-1, 64]) / 16
        let labels = try Tensor.load(folder + "/digits-labels.npy", on: device)
        var random = Philox(seed: 1)
        let order = try Tensor.permutation(images.shape[0], using: &random, on: device)
        let cut = images.shape[0] * 4 / 5
        let (shuffledImages, shuffledLabels) = (try images.rows(at: order), try labels.rows(at: order))
        training = (shuffledImages[0..<cut], shuffledLabels[0..<cut])
        heldOut = (shuffledImages[cut..<images.shape[0]], shuffledLabels[cut..<images.shape[0]])
    }
}
