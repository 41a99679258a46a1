import LossKit

/// Float64 numbers between -1 and 1 that depend only on the seed.
public func random(_ shape: [Int], seed: UInt64 = 1, on device: Device) throws -> Tensor {
    var random = SplitMix64(seed: seed)
    return try Tensor(random.values(shape.reduce(1, *)), shape: shape, on: device)
}

/// The product of matrices [m, k] and [k, n] by its definition.
public func product(_ a: [Double], _ b: [Double], _ m: Int, _ k: Int, _ n: Int) -> [Double] {
    (0..<m * n).map { index in (0..<k).reduce(0) { $0 + a[index / n * k + $1] * b[$1 * n + index % n] } }
}
