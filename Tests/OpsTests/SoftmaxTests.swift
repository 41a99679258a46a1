import Foundation
import LossKit
import LossKitTestSupport
import Testing

@Suite struct SoftmaxTests {
    private static let shapes = [[1], [4], [3, 1], [5, 17], [2, 3, 1031], [2, 40_003], [0, 4]]

    @Test(arguments: Device.all, shapes)
    func valuesAndGradientsAgreeWithTheFormula(device: Device, shape: [Int]) throws {
        let (count, n) = (shape.reduce(1, *), shape[shape.count - 1])
        var random = SplitMix64(seed: 12)
        for type in [DType.float32, .float16, .bfloat16] {
            let point = try Tensor(random.values(count, in: -5...5).map { Float($0) }, shape: shape, on: device).asType(type).evaluated()
            let weight = try Tensor(random.values(count, in: 0.5...1.5).map { Float($0) }, shape: shape, on: device).asType(type).evaluated()
            let (x, g) = (try point.array(of: Double.self), try weight.array(of: Double.self))
            let step = type == .bfloat16 ? 0x1p-7 : type == .float16 ? 0x1p-10 : 0
            var (y, log, dy, dlog, sums, dsums): ([Double], [Double], [Double], [Double], [Double], [Double]) = ([], [], [], [], [], [])
            for row in 0..<(n == 0 ? 0 : count / n) {
                let z = Array(x[row * n..<(row + 1) * n])
                let c = Array(g[row * n..<(row + 1) * n])
                let partition = logSumExp(z)
                let p = z.map { exp($0 - partition) }
                let (mean, total) = (zip(p, c).reduce(0) { $0 + $1.0 * $1.1 }, c.reduce(0, +))
                y += p
                log += z.map { $0 - partition }
                dy += p.indices.map { p[$0] * (c[$0] - mean) }
                dlog += p.indices.map { c[$0] - p[$0] * total }
                sums.append(partition)
                dsums += p
            }
            // What is rounded is the result, and the sums that it goes into.
            let scale = log.map { max(1, abs($0)) }
            try expectClose(point.softmax(), y, tolerance: 1e-6 + step, "softmax \(type)")
            try expectClose(point.logSoftmax().array(of: Double.self), log, tolerance: 1e-6 + step, scale: scale, "logSoftmax \(type)")
            try expectClose(
                gradient(at: point) { try ($0.softmax() * weight).asType(.float32).sum() }, dy, tolerance: 2e-6 + 2 * step, "softmax' \(type)")
            let wide = try gradient(at: point) { try ($0.logSoftmax() * weight).asType(.float32).sum() }.array(of: Double.self)
            let terms = dlog.indices.map { 1 + y[$0] * Double(n) * 12 }
            expectClose(wide, dlog, tolerance: 1e-6 + step, scale: terms, "logSoftmax' \(type)")
            try expectClose(point.logSumExp(axes: [-1]), sums, tolerance: 1e-6 + step, "logSumExp \(type)")
            try expectClose(
                gradient(at: point) { try $0.logSumExp(axes: [-1]).asType(.float32).sum() }, dsums, tolerance: 1e-6 + step, "logSumExp' \(type)")
        }
    }

    @Test(arguments: Device.all)
    func eachIsOneLaunchForwardAndOneBack(device: Device) throws {
        let point = try Tensor((0..<60).map { Float($0 % 7) }, shape: [6, 10], on: device)
        for function: (Tensor) throws -> Tensor in [{ try $0.softmax() }, { try $0.logSoftmax() }, { try $0.logSumExp(axes: [1]) }] {
            #expect(try Profiler.measure { try function(point).evaluated() }.measurement.launches == 1)
            let whole = try Profiler.measure { try gradient(at: point) { try function($0).sum() }.evaluated() }.measurement
            // The sum is not asked for; its derivative is a constant, which only the row sums of softmax need in memory.
            #expect(whole.launches <= 3)
        }
    }

    /// The kernels' derivatives against the composed operations, and derivatives of derivatives.
    @Test(arguments: Device.all)
    func derivativesOfDerivativesExist(device: Device) throws {
        var random = SplitMix64(seed: 13)
        let values = random.values(12, in: -2...2)
        let weights = random.values(12, in: 0.5...1.5)
        func product(_ dtype: DType, _ function: (Tensor) throws -> Tensor) throws -> [Double] {
            let point = try Tensor(values, shape: [3, 4], on: .cpu).asType(dtype).to(device)
            let weight = try Tensor(weights, shape: [3, 4], on: .cpu).asType(dtype).to(device)
            return try gradient(at: point) { x in
                try (gradient(at: x) { try (function($0) * weight).square().sum() } * weight).sum()
            }.array(of: Double.self)
        }
        guard device.hasFloat64 else { return }
        for function: (Tensor) throws -> Tensor in [
            { try $0.softmax() }, { try $0.logSoftmax() }, { try $0.logSumExp(axes: [1], keepDimensions: true) },
        ] {
            expectClose(try product(.float32, function), try product(.float64, function), tolerance: 2e-5)
        }
    }

    @Test(arguments: Device.all)
    func extremesAreDefined(device: Device) throws {
        let infinity = Float.infinity
        let rows: [Float] = [-infinity, -infinity, -infinity, 0, -infinity, 0, .nan, 1, 2, 1e30, -1e30, 1e30]
        let point = try Tensor(rows, shape: [4, 3], on: device)
        let y = try point.softmax().array(of: Double.self)
        #expect(y[0..<3].allSatisfy(\.isNaN) && y[6..<9].allSatisfy(\.isNaN))
        #expect(Array(y[3..<6]) == [0.5, 0, 0.5] && Array(y[9..<12]) == [0.5, 0, 0.5])
        let sums = try point.logSumExp(axes: [1]).array(of: Double.self)
        #expect(sums[0] == -.infinity && sums[2].isNaN && sums[3] == Double(Float(1e30)))
        #expect(try abs(point.logSoftmax().array(of: Double.self)[3] + log(2.0)) < 1e-6)
    }
}
