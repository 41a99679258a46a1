import LossKit

/// The handwritten digits, shuffled once by a fixed seed and split into training and held-out images.
struct Digits {
    let training: (images: Tensor, labels: Tensor)
    let heldOut: (images: Tensor, labels: Tensor)

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
