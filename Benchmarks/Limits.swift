import LossKit

/// What a device reaches in a plain copy and in a matrix product, measured in the same run as everything that is compared with it.
struct Limits: Codable {
    /// GB/s, a read and a write for each element.
    var copy: Double
    /// GFLOP/s of a float32 product of 1024 x 1024 matrices.
    var gemm: Double

    init(copy: Double, gemm: Double) {
        self.copy = copy
        self.gemm = gemm
    }

    init(of device: Device, repetitions: Int) throws {
        // Larger than any cache.
        let speed = try device.measureSpeed(copiedBytes: 256 << 20, repetitions: repetitions)
        copy = speed.copyBytesPerSecond / 1e9
        gemm = (speed.productFlopsPerSecond ?? .nan) / 1e9
    }
}
