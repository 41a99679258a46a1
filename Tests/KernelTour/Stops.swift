import LossKit
import LossKitKernels
import LossKitOps

/// Some work on a device that launches kernels no other does.
///
/// A kernel that no stop launches fails scripts/trust/kernels: a new kernel needs one here.
struct Stop: Sendable {
    let name: String
    let visit: @Sendable (Device) throws -> [Tensor]

    init(_ name: String, _ visit: @escaping @Sendable (Device) throws -> [Tensor]) {
        self.name = name
        self.visit = visit
    }

    /// Numbers of a shape, different everywhere and away from the borders of every function's domain.
    static func numbers(_ shape: [Int], _ dtype: DType = .float32, on device: Device) throws -> Tensor {
        let count: Int = shape.reduce(1, *)
        var values: [Double] = []
        for index in 0..<count {
            let fraction = Double((index * 37 + 11) % 101) / 102 + 0.004
            values.append(dtype.isFloatingPoint ? fraction : Double(Int(fraction * 20) - 7))
        }
        return try Tensor(values, shape: shape, on: device).asType(dtype).evaluated()
    }

    /// One launch for all of them.
    private static func together(_ tensors: [Tensor]) -> Tensor {
        tensors.dropFirst().reduce(tensors[0]) { (a: Tensor, b: Tensor) -> Tensor in a + b }
    }

    private static let dtypes = DType.allCases

    static let all: [Stop] = elementwise + reductions + movement + products + fused + pairs + formulas + losses

    private static let elementwise: [Stop] = [
        Stop("functions of one number") { device in
            var results: [Tensor] = []
            for x in [try numbers([3, 7], on: device), try numbers([70], .float64, on: device)] {
                let (above, negative): (Tensor, Tensor) = (x + 1, -x)
                results += [
                    together([x.exp(), x.exp2(), x.expm1(), x.log(), x.log2(), x.log10(), x.log1p(), x.sin(), x.cos(), x.tan()]),
                    together([x.asin(), x.acos(), x.atan(), x.sinh(), x.cosh(), x.tanh(), x.asinh(), above.acosh(), x.atanh()]),
                    together([x.sigmoid(), x.softplus(), x.gelu(), x.erf(), x.erfc(), x.erfInverse(), x.relu(), x.absolute()]),
                    together([x.logGamma(), x.digamma(), x.trigamma(), negative.digamma(), negative.logGamma(), x.reciprocal()]),
                    together([x.floor(), x.ceil(), x.round(), x.truncate(), x.squareRoot(), x.reciprocalSquareRoot(), x.square()]),
                    together([x.power(2.5), x.atan2(above), x.remainder(above), x.floorDivided(by: above), x.sign()]),
                ]
            }
            return results
        },
        Stop("types") { device in
            var results: [Tensor] = []
            for from in dtypes {
                let x = try numbers([2, 3], from, on: device)
                let back: Tensor = try x.slice(axis: 1, step: -2)
                results += dtypes.map { x.asType($0) } + [together([back, back]), Tensor.minimum(x, try x.flipped()), x .< 3]
            }
            return results
        },
        Stop("integers") { device in
            var results: [Tensor] = []
            for type in [DType.int32, .int64] {
                let (x, y) = (try numbers([5, 3], type, on: device), try numbers([3], type, on: device))
                results += [
                    x + y, x * y, x - y, x.floorDivided(by: y), x.remainder(y), x.power(y), Tensor.select(x .> y, x, y), x.absolute(),
                    x.sign(),
                ]
            }
            return results
        },
        Stop("views and broadcasts of high rank") { device in
            let x = try numbers([2, 3, 2, 2, 3, 2], on: device)
            let y = try x.transposed([5, 3, 1, 2, 4, 0]).slice(axis: 1, step: -1).packed()
            let row: Tensor = try numbers([3, 2], on: device)
            return [y, together([x, row])]
        },
    ]

    private static let reductions: [Stop] = [
        Stop("folds of rows, columns and all") { device in
            var results: [Tensor] = []
            for type in [DType.float32, .float64, .int64] {
                let x = try numbers([2, 20, 3], type, on: device)
                for axes in [[0], [1], [0, 1, 2]] {
                    results += [try x.sum(axes: axes), try x.max(axes: axes)]
                }
            }
            return results
        },
        Stop("folds in parts") { device in
            let (row, columns) = (try numbers([16400], on: device), try numbers([4100, 5], on: device))
            return [try row.sum(), try columns.max(axes: [0])]
        },
        Stop("softmax") { device in
            let x = try numbers([3, 9], on: device)
            var results = [try x.softmax(), try x.logSoftmax(axis: 0), try x.logSumExp(), try x.variance(axes: [1]), try x.norm(3)]
            for (classes, type) in [(1, DType.float32), (9, .float32), (9, .float16), (9, .bfloat16), (270, .float32)] {
                let x = try numbers([3, classes], type, on: device)
                results.append(try gradient(at: x) { x in try x.softmax().square().sum() })
                results.append(try gradient(at: x) { x in try x.logSoftmax().square().sum() })
            }
            return results
        },
        Stop("running sums and maxima") { device in
            var results: [Tensor] = []
            for type in [DType.float32, .float64, .int64, .int32] {
                let x = try numbers([3, 5], type, on: device)
                results += [try x.cumulativeSum(axis: 0), try x.cumulativeSum()]
                if type.isFloatingPoint { results.append(try x.cumulativeMax().indices) }
            }
            let long = try numbers([300], on: device)
            return results + [try long.cumulativeSum(), try long.cumulativeMax().indices, try long.argMax(), try long.argMin(axis: 0)]
        },
        Stop("running sums and maxima in pieces") { device in
            var results: [Tensor] = []
            for type in [DType.float32, .float64, .int64] {
                let x = try numbers([2, 600], type, on: device)
                results += [try x.cumulativeSum(), try x.cumulativeMax().indices, try x.argMax(axis: 1), try x.argMin(axis: 1)]
            }
            return results
        },
    ]

    private static let movement: [Stop] = [
        Stop("places") { device in
            var results: [Tensor] = []
            for type in dtypes {
                let x = try numbers([3, 5], type, on: device)
                results += [
                    try Tensor.concatenate([x, x.flipped()], axis: 1), try Tensor.stack([x, x], axis: 2), try x.transposed().packed(),
                    try x.padded(axis: 0, before: 1, after: 2), try x.slidingWindows(axis: 1, size: 2).packed(),
                ]
            }
            return results
        },
        Stop("rows") { device in
            let (list, pair, grid) = (
                try Tensor([3, 0, 0, -1, 2], on: device), try Tensor([1, 1], on: device), try Tensor([[0, 2, 1]], on: device)
            )
            var results: [Tensor] = []
            for type in dtypes {
                let x = try numbers([4, 3], type, on: device)
                results += [try x.rows(at: list), try x.take(pair, axis: 1), try x.takeAlongAxis(grid, axis: 0)]
            }
            return results
        },
        Stop("sums of rows") { device in
            let (list, grid) = (try Tensor([3, 0, 0, -1, 2], on: device), try Tensor([[1, 3, 1]], on: device))
            var results: [Tensor] = []
            for type in [DType.float32, .float64, .float16] {
                let x = try numbers([4, 3], type, on: device)
                results.append(try gradient(at: x) { x in try x.rows(at: list).square().sum() })
                results.append(try x.scatterAdd(try numbers([1, 3], type, on: device), at: grid, axis: 0))
            }
            return results
        },
        Stop("windows") { device in
            let x = try numbers([3, 7], on: device)
            return [try gradient(at: x) { x in try x.slidingWindows(axis: 1, size: 3, stride: 2).square().sum() }]
        },
        Stop("order") { device in
            var results: [Tensor] = []
            for type in dtypes {
                let (x, long) = (try numbers([3, 7], type, on: device), try numbers([300], type, on: device))
                results += [try x.sorted(), try x.argSort(axis: 0, descending: true), try long.sorted()]
            }
            let x = try numbers([3, 7], on: device)
            results += [try x.topK(3).values, try x.argMax(axis: 1), try x.argMin()]
            return results + [try gradient(at: x) { x in try x.sorted().square().cumulativeSum().sum() }]
        },
        Stop("random numbers") { device in
            var random = Philox(seed: 5)
            return [
                try Tensor.uniform([37], using: &random, on: device), try Tensor.normal([3, 5], using: &random, on: device),
                try Tensor.bernoulli([9], using: &random, on: device), try Tensor.gumbel([6], using: &random, on: device),
                try Tensor.permutation(19, using: &random, on: device),
                try Tensor.categorical(logits: numbers([4, 6], on: device), using: &random),
            ]
        },
        Stop("copy for measuring") { device in
            for count in [1, 5, 64, 1027] { _ = try device.measureSpeed(copiedBytes: 4 * count, matrixSize: 3, repetitions: 1) }
            return []
        },
        Stop("plain cross-entropy") { device in
            let (logits, labels) = (try numbers([3, 5], on: device), try Tensor([4, 0, 2] as [Int], on: device))
            let (loss, slopes) = (try Tensor.empty([3], dtype: .float32, on: device), try Tensor.empty([3, 5], dtype: .float32, on: device))
            try PlainCrossEntropy.run(
                logits.slice(), labels: labels.slice(), rows: 3, classes: 5, loss: loss.output(), gradient: slopes.output(), on: device)
            return [loss, slopes]
        },
    ]

    private static let products: [Stop] = [
        Stop("matrix products") { device in
            var results: [Tensor] = []
            for type in [DType.float32, .float64] {
                let (a, b) = (try numbers([2, 5, 19], type, on: device), try numbers([19, 18], type, on: device))
                results += [try a.matmul(b), try a.swappingAxes(1, 2).matmul(a), try b[0..<1].transposed().matmul(b[0..<1])]
            }
            return results
        },
        Stop("the kernel for devices without a BLAS") { device in
            var results: [Tensor] = []
            for type in [DType.float32, .float64] {
                let (a, b) = (try numbers([5, 19], type, on: device), try numbers([19, 18], type, on: device))
                let c = try Tensor.empty([5, 18], dtype: type, on: device)
                let (x, y, z) = (try a.memory(), try b.memory(), try c.output())
                let (left, right) = (
                    MatrixOperand(slice: x, rowStride: 19, columnStride: 1, batchStride: 0),
                    MatrixOperand(slice: y, rowStride: 18, columnStride: 1, batchStride: 0)
                )
                let product = Matmul(batch: 1, m: 5, n: 18, k: 19, isDouble: type == .float64)
                try product.run(left, right, into: z, on: device, by: .kernel)
                results.append(c)
            }
            return results
        },
    ]

    private static let fused: [Stop] = [
        Stop("pairwise distances") { device in
            var results: [Tensor] = []
            for metric in Metric.allCases {
                for (n, m, d) in [(1, 1, 1), (3, 18, 2), (5, 7, 17)] {
                    let x = try numbers([n, d], on: device)
                    let y: Tensor = try numbers([m, d], on: device) + 0.3
                    results.append(try pairwiseDistance(x, y, metric: metric))
                    results += try gradient(at: [x, y]) { points in
                        try pairwiseDistance(points[0], points[1], metric: metric).square().sum()
                    }
                }
            }
            return results
        },
        Stop("cross-entropy") { device in
            var results: [Tensor] = []
            for classes in [1, 5, 70, 270] {
                let logits = try numbers([3, classes], on: device)
                let (labels, masses) = (try Tensor([0, -100, classes - 1], on: device), try logits.flipped().softmax())
                let weights = try numbers([classes], on: device)
                results += [
                    try gradient(at: logits) { x in try crossEntropy(logits: x, targets: labels) },
                    try gradient(at: logits) { x in
                        try crossEntropy(logits: x, targets: labels, weights: weights, labelSmoothing: 0.1, zLoss: 0.1)
                    },
                    try gradient(at: logits) { x in try crossEntropy(logits: x, targets: masses, weights: weights, labelSmoothing: 0.1) },
                ]
            }
            return results
        },
        Stop("cross-entropy of 16-bit logits") { device in
            try [DType.float16, .bfloat16].flatMap { type in
                try [5, 70].map { classes in
                    let labels = try Tensor([0, -100, classes - 1], on: device)
                    return try gradient(at: numbers([3, classes], type, on: device)) { x in
                        try crossEntropy(logits: x, targets: labels, labelSmoothing: 0.1)
                    }
                }
            }
        },
        Stop("cross-entropy of rows that groups share") { device in
            let labels = try Tensor([0], on: device)
            return [
                try gradient(at: numbers([1, (1 << 15) + 5], on: device)) { x in
                    try crossEntropy(logits: x, targets: labels, labelSmoothing: 0.1)
                }
            ]
        },
        Stop("cross-entropy of products, of each row") { device in
            let labels = try Tensor([4, 0, -100], on: device)
            return try gradient(at: [numbers([3, 5], on: device), numbers([130, 5], on: device)]) { points in
                try linearCrossEntropy(hidden: points[0], weight: points[1], targets: labels, reduction: .none).square().sum()
            }
        },
        Stop("soft minima") { device in
            var results: [Tensor] = []
            for power in [1, 2] {
                for (n, m, d) in [(2, 5, 3), (1, 19, 2)] {
                    let x = try numbers([n, d], on: device)
                    let y: Tensor = try numbers([m, d], on: device) + 0.3
                    results.append(
                        try gradient(at: x) { x in try sinkhornDivergence(x, y, epsilon: 0.5, power: power, maximumIterations: 3) })
                }
            }
            return results
        },
        Stop("soft minima of one side") { device in
            let online = EntropicTransportOptions(tolerance: 0, maximumIterations: 3, annealing: 1, linearMemory: true)
            return try [1, 2].flatMap { power in
                try gradient(at: [numbers([2, 5, 3], on: device), numbers([2, 19, 3], on: device)]) { points in
                    let cost = TransportCost.points(points[0], points[1], power: power)
                    return try entropicTransport(cost, epsilon: 0.5, options: online).value.sum()
                }
            }
        },
        Stop("time warping") { device in
            var results: [Tensor] = []
            for (batch, n, m) in [(1, 1, 1), (3, 5, 7), (1, 70, 66)] {
                let costs = try numbers([batch, n, m], on: device)
                for gamma in [0, 0.5] {
                    results.append(try warpingCosts(costs, gamma: gamma))
                    results.append(try gradient(at: costs) { try warpingCosts($0, gamma: gamma).square().sum() })
                }
            }
            return results
        },
        Stop("spanning trees") { device in
            var results: [Tensor] = []
            for n in [2, 3, 33] { results.append(try mstLength(numbers([n, 3], on: device))) }
            for n in [2, 17] { results.append(try minimumSpanningTree(numbers([3, n, 2], on: device)).lengths) }
            for k in [1, 5] { results.append(try mutualReachabilityTree(numbers([33, 3], on: device), minimumSamples: k).lengths) }
            for n in [2, 35] {
                let points = try numbers([n, 2], on: device)
                results.append(try minimumSpanningTree(distances: pairwiseDistance(points, points)).lengths)
            }
            let edges = try Tensor((0..<70).map { Int32($0 * $0 % 19) }, shape: [35, 2], on: device)
            results.append(try minimumSpanningForest(edges: edges, weights: numbers([35], on: device), vertexCount: 19).lengths)
            return results
        },
        Stop("persistent homology of images") { device in
            var diagrams: [PersistenceDiagram] = []
            for shape in [[1], [70], [1, 9], [7, 13]] {
                for construction in [CubicalConstruction.vertices, .cubes] {
                    diagrams += try cubicalPersistence(numbers(shape, on: device), construction: construction)
                }
            }
            return diagrams.flatMap { [$0.births, $0.deaths] }
        },
        // Classes that live for a rounding come and go with it.
        Stop("persistent homology of points") { device in
            try ripsPersistence(numbers([17, 3], on: device), maximumDimension: 2).map { try ($0.deaths - $0.births).sum() }
        },
    ]

    private static let formulas: [Stop] = [
        Stop("formulas of pairs") { device in
            let (x, y, b) = (try numbers([19, 3], on: device), try numbers([37, 3], on: device), try numbers([37], on: device))
            let kernel = (Formula.x(x).squaredDistance(to: .y(y)) * -0.5).exp()
            let (values, indices) = try kernel.topK(5)
            let slopes = try gradient(at: [x, y, b]) { try kernelProduct(.laplacian(bandwidth: 1), $0[0], $0[1], $0[2]).sum() }
            return [try kernel.sum(), try kernel.logSumExp(weights: .y(b)), try kernel.max(over: .x), values, indices] + slopes
        }
    ]

    /// The losses that launch kernels of their own, forward and backward, with and without their optional inputs.
    private static let losses: [Stop] = LossRegistry.all.filter { ["ctc", "linearCrossEntropy"].contains($0.name) }.flatMap { loss in
        [false, true].filter { !$0 || loss.inputs.contains(where: \.isOptional) }.map { withOptional in
            Stop("\(loss.name)\(withOptional ? " with all inputs" : "")") { device in
                var random = Philox(seed: 3)
                let extents = ["n": 7, "m": 5, "d": 3, "e": 2, "classes": 11]
                var tensors: [String: Tensor] = [:]
                for input in loss.inputs where withOptional || !input.isOptional {
                    let values = input.draw(extents: extents, using: &random)
                    let shape = input.shape.map { extents[$0] ?? 1 }
                    tensors[input.name] =
                        input.values.isInteger
                        ? try Tensor(values.map { Int($0) }, shape: shape, on: device)
                        : try Tensor(values.map { Float($0) }, shape: shape, on: device)
                }
                let given = tensors
                let names = loss.inputs.filter { $0.isDifferentiable && given[$0.name] != nil }.map(\.name)
                let options = loss.options.contains { $0.name == "maximumIterations" } ? ["maximumIterations": "3"] : [:]
                return try gradient(at: names.compactMap { given[$0] }) { points in
                    try loss(given.merging(zip(names, points)) { $1 }, options: options).sum()
                }
            }
        }
    }
}
