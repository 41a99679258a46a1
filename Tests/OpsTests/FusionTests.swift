import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Operations run together give what they give one by one, to the bit, however expressions run.
@Suite struct FusionTests {
    struct Chain: Sendable, CustomTestStringConvertible {
        var name: String
        var function: @Sendable (_ x: Tensor, _ y: Tensor) throws -> Tensor
        var testDescription: String { name }

        static let all: [Chain] = [
            .init(name: "arithmetic", function: { x, y in ((x * 3 + y) / (y - 7)).square() * 0.3 - x }),
            .init(name: "sum", function: { x, y in try (((x * y + 0.1) * 1.7).gelu() * y).sum() }),
            .init(name: "mean of rows", function: { x, y in try (x.square() + y).squareRoot().mean(axes: [1]) }),
            .init(name: "max of columns", function: { x, y in try ((x - y).absolute() * 0.7).max(axes: [0]) }),
            .init(name: "special functions", function: { x, y in (x.sigmoid() + y.softplus()).log1p().exp().erf().tanh() + x.erfc() }),
            .init(name: "choice", function: { x, y in Tensor.select(x .< y, x * 0.3, (y / 3).floor()) + 0.1 }),
            .init(
                name: "double and back",
                function: { x, y in (x.asType(.float64) * 0.1).asType(.float32).asType(.float64) - y.asType(.float64) }),
            .init(
                name: "whole and back", function: { x, y in (x * 2.6).asType(.int32).asType(.float32) + y.asType(.uint8).asType(.float32) }),
            .init(name: "narrow whole", function: { x, y in (x.asType(.uint8) * 77 + y.asType(.uint8)).asType(.int32) * 3 }),
            .init(
                name: "wide whole",
                function: { x, y in (x.asType(.int64) * 3_000_000_001).asType(.int32).asType(.int64) + y.asType(.int64) }),
            .init(
                name: "half and brain",
                function: { x, y in (x.asType(.bfloat16) * 1.01).asType(.float16) * (y.asType(.float16) + 0.1).asType(.bfloat16) }),
        ]
    }

    @Test(arguments: Device.all, Chain.all)
    func everyWayGivesTheSameBits(device: Device, chain: Chain) throws {
        var random = SplitMix64(seed: 11)
        let (x, y) = (random.values(29 * 130, in: 0.1...3), random.values(130, in: 0.1...4))
        for dtype in [DType.float32, .float16, .bfloat16, .float64, .int32, .uint8] {
            if !device.hasFloat64, dtype == .float64 || chain.name == "double and back" { continue }
            let first = try Tensor(x.map { Float($0) }, shape: [29, 130], on: device).asType(dtype).evaluated()
            let second = try Tensor(y.map { Float($0) }, on: device).asType(dtype).evaluated()
            // Compiling takes time: two types stand for the others.
            let modes = dtype == .float32 || dtype == .float16 ? Fusion.allCases : [.off, .interpret]
            let results = try modes.map { mode in
                try Fusion.$mode.withValue(mode) { try chain.function(first, second).bits() }
            }
            for (mode, result) in zip(modes, results) {
                #expect(result == results[0], "\(chain.name), \(dtype): \(mode) differs from \(modes[0])")
            }
        }
    }

    /// A chain of 16-bit values is one launch, which rounds after each operation as memory would.
    @Test(arguments: Device.all, [DType.float32, .float16, .bfloat16])
    func chainsOfEveryTypeAreOneLaunch(device: Device, dtype: DType) throws {
        let x = try Tensor([Float](repeating: 0.7, count: 5000), on: device).asType(dtype).evaluated()
        let y = try Tensor([Float](repeating: 1.3, count: 5000), on: device).asType(dtype).evaluated()
        let (result, cost) = try Fusion.$mode.withValue(.interpret) {
            try Profiler.measure { try ((x * y + 0.1).gelu() * y - x.exp() / 3).sum().evaluated() }
        }
        #expect(result.dtype == dtype)
        #expect(cost.launches == 1)
        #expect(cost.peakBytes < 5000)
    }

    @Test func constantsRoundAsMemoryDoes() throws {
        for dtype in [DType.float16, .bfloat16, .uint8, .float32] {
            for value in [
                0.1, -0.3, 1e-6, 3e-8, 2e-8, 65519, 65520, 65504, 1e39, 3.3895e38, 3.3962e38, 257, 0.0, 1.0009765625, 1.00390625, -1e-45,
            ] {
                if dtype == .uint8 && (value < 0 || value > 1e9) { continue }
                let stored = try Tensor.full([2], value, dtype: dtype, on: .cpu).evaluated().asType(.float64).array(of: Double.self)[0]
                #expect(dtype == .float32 ? stored == Double(Float(value)) : dtype.rounded(value) == stored, "\(dtype) of \(value)")
            }
        }
    }
}

extension Tensor {
    /// The stored bytes in row-major order.
    func bits() throws -> [UInt8] {
        let source = try slice()
        var bytes = [UInt8](repeating: 0, count: count * dtype.byteCount)
        try bytes.withUnsafeMutableBytes { try source.buffer.download(into: $0, from: source.byteOffset) }
        return bytes
    }
}
