import LossKit

/// The handwritten digits, shuffled once by a fixed seed and split into training and held-out images.
struct Digits {
    let training: (images: Tensor, labels: Tensor)
    let heldOut: (images: Tensor, labels: Tensor)

    init(folder: String, on device: Device) throws {
        let images = try Tensor.load(folder + "/digits-images.npy", on: device).asType(.float32).reshaped([-1, 64]) / 16
        let labels = try Tensor.load(folder + "/digits-labels.npy", on: device)
        var random = SplitMix(seed: 1)
        let order = try Tensor(Array(0..<images.shape[0]).shuffled(using: &random), on: device)
        let cut = images.shape[0] * 4 / 5
        let (shuffledImages, shuffledLabels) = (try images.rows(at: order), try labels.rows(at: order))
        training = (shuffledImages[0..<cut], shuffledLabels[0..<cut])
        heldOut = (shuffledImages[cut..<images.shape[0]], shuffledLabels[cut..<images.shape[0]])
    }
}

/// A small generator with the same sequence everywhere (Steele, Lea and Flood, 2014).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
