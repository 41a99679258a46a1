import Foundation
import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct KernelFunctionTests {
    private static let kernels: [KernelFunction] = [
        .gaussian(bandwidth: 0.7), .laplacian(bandwidth: 0.6), .energy, .matern(.half, lengthScale: 0.8),
        .matern(.threeHalves, lengthScale: 0.9),
        .matern(.fiveHalves, lengthScale: 1.1), .rationalQuadratic(alpha: 1.5, lengthScale: 0.8),
    ]

    /// The kernel by its definition.
    private func expected(_ kernel: KernelFunction, _ r: Double) -> Double {
        switch kernel {
        case .gaussian(let sigma): return exp(-r * r / (2 * sigma * sigma))
        case .laplacian(let sigma): return exp(-r / sigma)
        case .energy: return -r
        case .matern(.half, let length): return exp(-r / length)
        case .matern(.threeHalves, let length): return (1 + sqrt(3) * r / length) * exp(-sqrt(3) * r / length)
        case .matern(.fiveHalves, let length):
            return (1 + sqrt(5) * r / length + 5 * r * r / (3 * length * length)) * exp(-sqrt(5) * r / length)
        case .rationalQuadratic(let alpha, let length): return pow(1 + r * r / (2 * alpha * length * length), -alpha)
        }
    }

    private func products(_ kernel: KernelFunction, _ sample: FormulaSample) -> [Double] {
        (0..<sample.x.rows).flatMap { i in
            (0..<sample.b.columns).map { k in
                (0..<sample.y.rows).reduce(0) { $0 + expected(kernel, distance(sample.x.row(i), sample.y.row($1))) * sample.b[$1, k] }
            }
        }
    }

    @Test(arguments: Device.all, kernels)
    func productsAgreeWithTheDefinition(device: Device, kernel: KernelFunction) throws {
        for (d, e) in [(1, 1), (3, 2), (50, 20)] {
            let sample = FormulaSample(n: 11, m: 300, d: d, e: e)
            let tensors = try sample.tensors(on: device)
            let result = try kernelProduct(kernel, tensors[0], tensors[1], tensors[2])
            #expect(result.shape == [11, e])
            let scale = [Double](repeating: 150, count: 11 * e)
            expectClose(
                try result.array(of: Double.self), products(kernel, sample), tolerance: 2e-6 * sqrt(Double(d)), scale: scale, "\(d)")
        }
    }

    @Test(arguments: Device.all, kernels)
    func gradientsAgreeWithDifferencesOfTheDefinition(device: Device, kernel: KernelFunction) throws {
        let sample = FormulaSample(n: 4, m: 5, d: 3, e: 2, seed: 4)
        var random = SplitMix64(seed: 5)
        let weights = random.values(8, in: 0.5...1.5).map { Double(Float($0)) }
        let cotangent = try Tensor(weights, shape: [4, 2], on: device).asType(.float32)
        let tensors = try sample.tensors(on: device)
        let slopes = try gradient(at: Array(tensors[..<3])) { try (kernelProduct(kernel, $0[0], $0[1], $0[2]) * cotangent).sum() }
        let differences = sample.differences { zip(products(kernel, $0), weights).reduce(0) { $0 + $1.0 * $1.1 } }
        for (part, slope) in slopes.enumerated() { try expectClose(slope, differences[part], tolerance: 1e-5, "part \(part)") }
    }

    @Test(arguments: Device.all)
    func densitiesAgreeWithTheDefinition(device: Device) throws {
        let (sigma, d) = (0.4, 3)
        let sample = FormulaSample(n: 6, m: 40, d: d)
        let tensors = try sample.tensors(on: device)
        func expected(_ weights: [Double]) -> [Double] {
            (0..<6).map { i in
                let masses = (0..<40).reduce(0) { total, j in
                    total + weights[j] * exp(-pow(distance(sample.x.row(i), sample.y.row(j)), 2) / (2 * sigma * sigma))
                }
                return log(masses / weights.reduce(0, +) / pow(2 * Double.pi * sigma * sigma, Double(d) / 2))
            }
        }
        try expectClose(
            logKernelDensity(at: tensors[0], samples: tensors[1], bandwidth: sigma), expected([Double](repeating: 1, count: 40)),
            tolerance: 3e-6)
        let weighted = try logKernelDensity(at: tensors[0], samples: tensors[1], bandwidth: sigma, weights: tensors[3])
        try expectClose(weighted, expected(sample.w.values), tolerance: 3e-6)
    }
}
