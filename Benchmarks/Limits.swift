import LossKit

/// What a device reaches in a plain copy and in a matrix product, measured in the same run as everything that is compared with it.
struct Limits: Codable {
    /// GB/s, a read and a write for each element.
    var copy: Double
    /// GFLOP/s of a float32 product of 1024 x 1024 matrices.
    var gemm: Double

    init(of device: Device, repetitions: Int) throws {
        let count = 1 << 24
        let source = try Tensor.full([count], 1, on: device).evaluated()
        copy = try 8 * Double(count) / 1e9
            / Clock.median(repetitions: repetitions) {
                try (source + 0).evaluated()
                try device.synchronize()
            }
        let factor = try Tensor.full([1024, 1024], 0.5, on: device).evaluated()
        gemm = try 2 * 1.073741824
            / Clock.median(repetitions: repetitions) {
                try factor.matmul(factor).evaluated()
                try device.synchronize()
            }
    }
}
