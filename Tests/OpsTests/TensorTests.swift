import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct TensorTests {
    private func ramp(_ shape: [Int], on device: Device) throws -> Tensor {
        try Tensor((0..<shape.reduce(1, *)).map(Double.init), shape: shape, on: device)
    }

    @Test(arguments: Device.all)
    func viewsReadTheRightElements(device: Device) throws {
        let x = try ramp([2, 3, 4], on: device)
        func at(_ i: Int, _ j: Int, _ k: Int) -> Double { Double((i * 3 + j) * 4 + k) }
        let turned = try x.transposed([2, 0, 1])
        var expected: [Double] = []
        for k in 0..<4 { for i in 0..<2 { for j in 0..<3 { expected.append(at(i, j, k)) } } }
        try expectClose(turned, expected, tolerance: 0)
        try expectClose(turned.reshaped([4, 6]), turned.array(), tolerance: 0)
        let odd: [Double] = (0..<24).filter { $0 % 2 == 1 }.map(Double.init)
        try expectClose(x.slice(axis: 2, from: 1, to: 4, step: 2), odd, tolerance: 0)
        try expectClose(x.slice(axis: 2, step: -2).flipped(axes: [2]), odd, tolerance: 0)
        try expectClose(x[1][-1], [20, 21, 22, 23], tolerance: 0)
        try expectClose(x[0..<1].squeezed(), (0..<12).map(Double.init), tolerance: 0)
        try expectClose(x[1].broadcast(to: [2, 3, 4]).slice(axis: 0, from: 0, to: 1), (12..<24).map(Double.init), tolerance: 0)
        try expectClose(x.flipped(axes: [0, 2])[0][0], [15, 14, 13, 12], tolerance: 0)
        try expectClose((turned + turned.flipped()).sum(), [23 * 24], tolerance: 0)
        #expect(try x.reshaped([6, -1]).shape == [6, 4])
        #expect(try x.expandedDimensions(at: -1).shape == [2, 3, 4, 1])
        try expectClose(x[0].slice(axis: 1, from: 0, to: 3).diagonal(), [0, 5, 10], tolerance: 0)
        #expect(x[5].failure != nil)
        #expect(throws: TensorError.self) { try x.reshaped([5, 5]) }
        #expect(throws: TensorError.self) { try x.transposed([0, 0, 1]) }
        #expect(throws: TensorError.self) { try x.slice(axis: 3) }
        #expect(throws: TensorError.self) { try Tensor.zeros([Int.max, 4], on: device) }
    }

    @Test(arguments: Device.all)
    func viewsAreDifferentiable(device: Device) throws {
        let x = try ramp([2, 3, 4], on: device) * 0.1
        let functions: [(String, @Sendable (Tensor) throws -> Tensor)] = [
            ("transposed", { try $0.transposed([1, 2, 0]) }), ("slice", { try $0.slice(axis: 2, from: 1, to: 4, step: 2) }),
            ("backwards", { try $0.slice(axis: 1, step: -2) }),
            ("broadcast", { try $0.expandedDimensions(at: 0).broadcast(to: [3, 2, 3, 4]) }),
            ("reshaped", { try $0.transposed().reshaped([6, 4]) }), ("diagonal", { try $0.slice(axis: 2, from: 0, to: 3).diagonal() }),
            ("concatenate", { try Tensor.concatenate([$0, $0.square(), $0[0..<1]], axis: 0) }),
            ("stack", { try Tensor.stack([$0, $0.exp()], axis: 1) }),
            ("split", { try $0.split([1, 3], axis: 2)[1] }), ("padded", { try $0.padded(axis: 1, before: 2, after: 1, with: 3) }),
            ("windows", { try $0.slidingWindows(axis: 2, size: 2, stride: 2) }), ("clamped", { $0.clamped(min: 0.55, max: 1.55) }),
            ("cumulativeSum", { try $0.cumulativeSum(axis: 1) }), ("cumulativeMax", { try ($0 * -1).cumulativeMax(axis: 0).values }),
            ("rows", { [device] in try $0.rows(at: Tensor([1, 0, 1], on: device)) }), ("sorted", { try ($0 * 7).sin().sorted(axis: 1) }),
            ("topK", { try ($0 * 7).sin().topK(2, axis: 2).values }),
        ]
        for (name, function) in functions {
            try expectGradient(at: [x], tolerance: 1e-7, name) { try function($0[0]).square() }
            try expectGradient(at: [x], tolerance: 1e-6, "second " + name) { try gradient(at: $0[0]) { try function($0).power(3).sum() } }
        }
    }

    /// Folds every axis set of every shape against a loop over indices.
    @Test(arguments: Device.all)
    func reducesOverAnyAxes(device: Device) throws {
        var random = SplitMix64(seed: 4)
        for shape in [[], [1], [7], [3, 5], [2, 3, 4], [4, 1, 33], [130, 40], [3, 0, 2], [2, 2, 3, 2, 2]] {
            let count = shape.reduce(1, *)
            let values = random.values(count, in: 0.5...1.5).map { Double(Float($0)) }
            let tensor = try Tensor(values.map { Float($0) }, shape: shape, on: device)
            for mask in 0..<(1 << shape.count) {
                let axes = shape.indices.filter { mask >> $0 & 1 == 1 }
                let kept = shape.indices.filter { !axes.contains($0) }
                var groups = [[Double]](repeating: [], count: kept.reduce(1) { $0 * shape[$1] })
                for (index, value) in values.enumerated() {
                    var rest = index
                    var place = [Int](repeating: 0, count: shape.count)
                    for axis in shape.indices.reversed() { (place[axis], rest) = (rest % shape[axis], rest / shape[axis]) }
                    groups[kept.reduce(0) { $0 * shape[$1] + place[$1] }].append(value)
                }
                let label = "\(shape) over \(axes)"
                try expectClose(tensor.sum(axes: axes), groups.map { $0.reduce(0, +) }, tolerance: 2e-6, "sum " + label)
                try expectClose(tensor.product(axes: axes), groups.map { $0.reduce(1, *) }, tolerance: 4e-5, "product " + label)
                try expectClose(
                    tensor.mean(axes: axes), groups.map { $0.reduce(0, +) / Double($0.count) }, tolerance: 2e-6, "mean " + label)
                guard !groups.contains(where: \.isEmpty) else { continue }
                try expectClose(tensor.max(axes: axes), groups.map { $0.max() ?? 0 }, tolerance: 0, "max " + label)
                try expectClose(tensor.min(axes: axes), groups.map { $0.min() ?? 0 }, tolerance: 0, "min " + label)
                try expectClose(tensor.logSumExp(axes: axes), groups.map(logSumExp), tolerance: 2e-6, "logSumExp " + label)
            }
        }
    }

    @Test(arguments: Device.all)
    func reductionsAreDifferentiable(device: Device) throws {
        var random = SplitMix64(seed: 8)
        let x = try Tensor(random.values(12, in: 0.4...2), shape: [3, 4], on: device)
        let functions: [(String, @Sendable (Tensor) throws -> Tensor)] = [
            ("sum", { try $0.square().sum(axes: [0]) }), ("mean", { try $0.square().mean(axes: [1], keepDimensions: true) }),
            ("product", { try $0.product(axes: [1]) }), ("max", { try $0.max(axes: [0]) }), ("variance", { try $0.variance(axes: [1]) }),
            ("norm", { try $0.norm(axes: [0]) }), ("norm 3", { try $0.norm(3, axes: [0]) }), ("logSumExp", { try $0.logSumExp(axes: [1]) }),
            ("softmax", { try $0.softmax(axis: 0) }), ("logSoftmax", { try $0.logSoftmax() }),
        ]
        for (name, function) in functions {
            try expectGradient(at: [x], tolerance: 1e-6, name) { try function($0[0]) }
            try expectGradient(at: [x], tolerance: 1e-5, "second " + name) { try gradient(at: $0[0]) { try function($0).square().sum() } }
        }
        let zeros = try Tensor([2, 0, 3, 0, 0, 4] as [Double], shape: [2, 3], on: device)
        try expectClose(gradient(at: zeros) { try $0.product(axes: [1]).sum() }, [0, 6, 0, 0, 0, 0], tolerance: 0)
        try expectClose(gradient(at: Tensor([0, 0] as [Float], on: device)) { try $0.norm() }, [0, 0], tolerance: 0)
        try expectClose(Tensor([-Float.infinity, -.infinity], on: device).logSumExp(), [-.infinity], tolerance: 0)
    }

    @Test(arguments: Device.all)
    func ordersAndPositions(device: Device) throws {
        let x = try Tensor([3, 1, .nan, 3, -2, 1] as [Float], shape: [2, 3], on: device)
        #expect(try x.argSort().array(of: Int.self) == [1, 0, 2, 1, 2, 0])
        #expect(try x.argSort(descending: true).array(of: Int.self) == [0, 1, 2, 0, 2, 1])
        #expect(try x.argMax(axis: 1).array(of: Int.self) == [2, 0])
        #expect(try x.argMin(axis: 0).array(of: Int.self) == [0, 1, 0])
        #expect(try Tensor([5, 9, 9] as [Int], on: device).argMax().array(of: Int.self) == [1])
        #expect(try x.cumulativeMax(axis: 1).indices.array(of: Int.self) == [0, 0, 2, 0, 0, 0])
        #expect(try Tensor([1, 2, 3] as [Int32], on: device).cumulativeSum().array(of: Int.self) == [1, 3, 6])
        let base = try Tensor.zeros([3, 2], on: device)
        let added = try base.scatterAdd(
            Tensor([1, 2, 4, 8] as [Float], shape: [2, 2], on: device), at: Tensor([0, 2, 0, 1], shape: [2, 2], on: device), axis: 0)
        #expect(try added.array(of: Float.self) == [5, 0, 0, 8, 0, 2])
        #expect(throws: TensorError.indexOutOfRange(operation: "takeAlongAxis", position: 1, index: 7, bound: 3)) {
            try x.takeAlongAxis(Tensor([0, 7, 0, 0], shape: [2, 2], on: device), axis: 1).array(of: Float.self)
        }
        #expect(try Tensor([2, 0], on: device).oneHot(classes: 3).array(of: Float.self) == [0, 0, 1, 1, 0, 0])
    }

    @Test func pendingValuesSurviveAnExhaustedDevice() throws {
        let device = try #require(Device.all.last)
        let held = try Tensor([1, 2, 3] as [Float], on: device)
        #expect(throws: (any Error).self) { try Tensor.full([1 << 44], 1, on: device).evaluated() }
        #expect(try (held * 2).array(of: Float.self) == [2, 4, 6])
    }

    @Test func filesRoundTripAndDamageIsReported() throws {
        let path = "/tmp/losskit-test-\(UInt64.random(in: 0 ... .max)).npy"
        for dtype in DType.allCases where dtype != .bfloat16 {
            let tensor = try ramp([2, 3], on: .cpu).asType(dtype).transposed()
            try tensor.save(path)
            let read = try Tensor.load(path, on: .cpu)
            #expect(read.dtype == dtype && read.shape == [3, 2])
            try expectClose(read, tensor.array(), tolerance: 0)
        }
        let whole = try FileBytes.read(path)
        for damaged in [Array(whole.dropLast()), Array(whole.prefix(20)), [1, 2, 3], whole + [0], []] {
            try FileBytes.write(damaged, to: path)
            #expect(throws: TensorError.self) { try Tensor.load(path, on: .cpu) }
        }
        #expect(throws: TensorError.file(path: "/nowhere.npy", problem: "No such file or directory")) { try Tensor.load("/nowhere.npy") }
    }
}
