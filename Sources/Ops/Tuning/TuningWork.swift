import LossKitDevice
import LossKitKernels

/// What a tunable parameter is measured with: the kernels that it is for, at sizes that differ in kind.
struct TuningWork {
    let name: String
    let sizes: [() throws -> Void]

    init(_ tunable: Tunable, on device: Device, share: Int) throws {
        var random = Philox(seed: 1)
        func points(_ n: Int, _ d: Int) throws -> Tensor {
            try Tensor.normal([max(1, n / share), d], using: &random, on: device).evaluated()
        }
        switch tunable {
        case .productTile:
            name = "matrix products without a BLAS"
            sizes = try [(512, 512, 512), (2048, 64, 256), (128, 1024, 1024)].map { m, n, k in
                try Self.product(points(m, k), points(k, n), max(1, m / share), n, max(1, k / share))
            }
        case .rowGroup, .rowBlock:
            name = "cross-entropy and its gradient"
            sizes = try [(16_384, 10), (2048, 1000), (64, 32_768)].map { rows, classes in try Self.crossEntropy(points(rows, classes)) }
        case .formulaTile, .formulaGroup:
            name = "sums over all pairs of points"
            sizes = [
                Self.gaussianSum(try points(4096, 3), try points(4096, 3)), Self.gaussianSum(try points(1024, 64), try points(1024, 64)),
                Self.logSumExp(try points(4096, 3), try points(4096, 3)),
            ]
        }
    }

    private static func crossEntropy(_ logits: Tensor) throws -> () throws -> Void {
        let classes = logits.shape[1]
        let labels = try Tensor((0..<logits.shape[0]).map { $0 * 7919 % classes }, on: logits.device)
        var options = CrossEntropyOptions()
        options.reduction = .mean
        return { [options] in
            let slope: Tensor = try gradient(at: logits) { logits in
                try rowCrossEntropy(logits: logits, targets: .labels(labels, ignored: -100), options: options).loss
            }
            _ = try slope.evaluated()
        }
    }

    private static func gaussianSum(_ x: Tensor, _ y: Tensor) -> () throws -> Void {
        return {
            let slope: Tensor = try gradient(at: x) { x in
                let exponent = Formula.x(x).squaredDistance(to: .y(y)) * (-0.5 / Double(y.shape[1]))
                return try exponent.exp().sum().mean()
            }
            _ = try slope.evaluated()
        }
    }

    private static func product(_ a: Tensor, _ b: Tensor, _ m: Int, _ n: Int, _ k: Int) throws -> () throws -> Void {
        let result = try Tensor.empty([m, n], dtype: .float32, on: a.device)
        let left = MatrixOperand(slice: try a.slice(), rowStride: a.shape[1], columnStride: 1, batchStride: 0)
        let right = MatrixOperand(slice: try b.slice(), rowStride: n, columnStride: 1, batchStride: 0)
        return {
            try Matmul(batch: 1, m: m, n: n, k: k, isDouble: false).run(left, right, into: result.output(), on: a.device, by: .kernel)
        }
    }

    private static func logSumExp(_ x: Tensor, _ y: Tensor) -> () throws -> Void {
        return { _ = try (Formula.x(x).squaredDistance(to: .y(y)) * -0.5).logSumExp().evaluated() }
    }
}
