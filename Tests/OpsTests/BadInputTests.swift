import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Input that makes no sense is answered by an error that says what was expected and what came; nothing traps, and nothing held is lost.
@Suite struct BadInputTests {
    private func message(_ body: () throws -> Tensor) -> String {
        do { _ = try body().array(of: Float.self) } catch { return "\(error)" }
        return "no error"
    }

    @Test(arguments: Device.all)
    func extremeArgumentsAreErrors(device: Device) throws {
        let x = try Tensor((0..<12).map(Float.init), shape: [3, 4], on: device)
        let failures: [(String, () throws -> Tensor)] = [
            ("reshaped: expected a shape of 12 elements", { try x.reshaped([.max, 2, -1]) }),
            ("reshaped: expected a shape of 12 elements", { try x.reshaped([-1, -1]) }), ("reshaped", { try x.reshaped([5, -1]) }),
            ("reshaped", { try x.reshaped([0, -1]) }), ("transposed: expected each of 2 axes once", { try x.transposed([0]) }),
            ("swappingAxes: expected distinct axes in -2...1", { try x.swappingAxes(0, 2) }),
            ("slice: expected a range within 0..<4", { try x.slice(axis: 1, from: 2, to: 9) }),
            ("slice", { try x.slice(axis: 1, from: .min) }),
            ("slice", { try x.slice(axis: 1, step: 0) }), ("slice", { try x.slice(axis: 1, to: .max) }),
            ("slidingWindows: expected a window of at most 4", { try x.slidingWindows(axis: 1, size: .max, dilation: 3) }),
            ("slidingWindows", { try x.slidingWindows(axis: 1, size: .min) }),
            ("slidingWindows", { try x.slidingWindows(axis: 1, size: 5) }),
            ("broadcast", { try x.broadcast(to: [4, 3]) }), ("broadcast", { try x.broadcast(to: [4]) }),
            ("broadcast", { try x.broadcast(to: [.max, 3, 4]) }),
            ("broadcast", { try x[0].expandedDimensions(at: 0).broadcast(to: [-1, 4]) }),
            ("squeezed: expected extent 1", { try x.squeezed(axes: [0]) }), ("diagonal", { try x.diagonal() }),
            ("expandedDimensions", { try x.expandedDimensions(at: 4) }), ("flipped", { try x.flipped(axes: [0, 0]) }),
            ("concatenate: expected at least one tensor", { try Tensor.concatenate([]) }),
            ("concatenate: expected equal extents but along axis 0", { try Tensor.concatenate([x, x.transposed()]) }),
            ("concatenate: expected equal ranks", { try Tensor.concatenate([x, x[0]]) }),
            ("stack: expected equal shapes", { try Tensor.stack([x, x[0]]) }), ("concatenate", { try Tensor.stack([]) }),
            ("split: expected extents that add up to 3", { try x.split([1, 1])[0] }), ("split", { try x.split([.max, .max, 5])[0] }),
            ("split", { try x.split([4, -1])[0] }), ("padded: expected counts >= 0", { try x.padded(axis: 0, before: -1) }),
            ("full", { try x.padded(axis: 0, before: .max) }),
            ("concatenate", { try x[0..<0].transposed().padded(axis: 0, before: .max, after: .max) }),
            ("arange: expected a finite number of steps", { try .arange(to: .infinity, on: device) }),
            ("arange", { try .arange(to: -.infinity, on: device) }), ("arange", { try .arange(to: .nan, on: device) }),
            ("arange", { try .arange(to: 5, by: 0, on: device) }), ("linspace", { try .linspace(0, 1, count: -1, on: device) }),
            ("Tensor: expected non-negative extents", { try .linspace(0, 1, count: .max, on: device) }),
            ("eye: expected n >= 0, got -1", { try .eye(-1, on: device) }),
            ("full", { try .full([-1, 2], 1, on: device) }), ("full", { try .full([.max, .max], 1, on: device) }),
            ("full", { try .zeros([0, .max / 2, 4], on: device) }),
            ("oneHot: expected classes >= 0", { try Tensor([0], on: device).oneHot(classes: -1) }),
            ("oneHot: expected integer indices, got float32", { try x.oneHot(classes: 3) }),
            ("Tensor: expected a shape of 2 elements", { try Tensor([1.0, 2], shape: [3], on: device) }),
            ("Tensor: expected rows of equal length", { try Tensor([[1.0], [2.0, 3]], on: device) }),
            ("subscript: expected an index in 0..<3, got 3", { x[3] }), ("slice", { x[1..<9] }),
            ("takeAlongAxis: expected integer indices", { try x.takeAlongAxis(x, axis: 1) }),
            (
                "takeAlongAxis: expected an index in 0..<4, got -5",
                { try x.takeAlongAxis(Tensor([-5, 0, 0], shape: [3, 1], on: device), axis: 1) }
            ),
            ("scatterAdd: expected values", { try x.scatterAdd(x, at: Tensor([0], shape: [1, 1], on: device), axis: 1) }),
            ("rows: expected an index in 0..<3, got 3 at position 1", { try x.rows(at: Tensor([0, 3], on: device)) }),
            ("rows: expected", { try x.rows(at: x[0]) }),
            ("take: expected an index in 0..<4", { try x.take(Tensor([4], on: device), axis: 1) }),
            ("topK: expected k in 0...4, got 5", { try x.topK(5).values }), ("topK", { try x.topK(-1).values }),
            ("argSort: expected", { try x.argSort(axis: 2) }), ("argMin: expected", { try x.argMin(axis: 7) }),
            ("argMax: expected at least one element", { try x[0..<0].argMax(axis: 0) }),
            ("cumulativeSum", { try x.cumulativeSum(axis: 2) }),
            ("scalar: expected one element, got shape [3, 4]", { try Tensor(x.scalar(), on: device) }),
        ]
        for (expected, body) in failures {
            let found = message(body)
            #expect(found.contains(expected), "\(expected): \(found)")
        }
        #expect(try x.array(of: Float.self) == (0..<12).map(Float.init))
    }

    @Test(arguments: Device.all)
    func extremeStepsAreTakenAsFarAsTheyGo(device: Device) throws {
        let x = try Tensor((0..<12).map(Double.init), shape: [3, 4], on: device)
        try expectClose(x.slice(axis: 1, from: 1, step: .max), [1, 5, 9], tolerance: 0)
        try expectClose(x.slice(axis: 1, step: .min), [3, 7, 11], tolerance: 0)
        #expect(try x.slice(axis: 1, from: 4, step: .min).shape == [3, 0])
        #expect(try x.slice(axis: 1, from: 3, to: 1).shape == [3, 0])
        try expectClose(x.slidingWindows(axis: 1, size: 1, stride: .max, dilation: .max), [0, 4, 8], tolerance: 0)
        for step in [Int.max, .min, 2, -3] {
            try expectGradient(at: [x], tolerance: 1e-7) { try $0[0].slice(axis: 1, from: 1, step: step).square() }
            try expectGradient(at: [x], tolerance: 1e-7) { try $0[0].slice(axis: 1, from: 4, step: step).sum() }
        }
        try expectGradient(at: [x], tolerance: 1e-7) { try $0[0].slidingWindows(axis: 0, size: 1, stride: .max).square() }
        try expectGradient(at: [x], tolerance: 1e-5) { points in
            try gradient(at: points[0]) { try ($0 * 0.1).slidingWindows(axis: 1, size: 2, stride: 3, dilation: 1).power(3).sum() }
        }
    }

    @Test func operandsOnTwoDevicesAreErrors() throws {
        let other = try #require(Device.all.first { $0 != .cpu } ?? Device.all.last)
        guard other != .cpu else { return }
        let (here, there) = (try Tensor([1.0, 2], on: .cpu), try Tensor([1.0, 2], on: other))
        #expect(message { here + there }.contains("expected operands on one device"))
        #expect(message { try Tensor.concatenate([here, there]) }.contains("expected operands on one device"))
        try expectClose(here + there.to(.cpu), [2, 4], tolerance: 0)
    }

    @Test(arguments: Device.all)
    func aCarriedErrorIsThrownByWhateverReadsIt(device: Device) throws {
        let broken = try Tensor([1.0, 2], on: device) + Tensor([1.0, 2, 3], on: device)
        #expect(message { broken }.contains("+: expected shapes that broadcast together, got [2] and [3]"))
        let readers: [() throws -> Any] = [
            { try broken.array(of: Float.self) }, { try broken.scalar() }, { try broken.sum() }, { try broken.reshaped([2]) },
            { try (broken * 2).exp().array(of: Float.self) }, { try broken.rows(at: Tensor([0], on: device)) }, { try broken.argSort() },
            { try broken.cumulativeSum() }, { try broken.matmul(broken) }, { try cholesky(broken) }, { try broken.save("/tmp/never.npy") },
            { try gradient(at: broken) { try $0.sum() } }, { try Tensor.stack([broken]) }, { try broken.to(.cpu).array(of: Float.self) },
            { try einsum("i->", broken) }, { try broken.booleans() }, { try broken.evaluated() }, { try broken.oneHot(classes: 2) },
        ]
        for (index, reader) in readers.enumerated() { #expect(throws: TensorError.self, "reader \(index)") { _ = try reader() } }
    }

    @Test(arguments: Device.all)
    func nothingIsAnAnswerToo(device: Device) throws {
        let none = try Tensor.zeros([0, 3], on: device)
        #expect(try none.array(of: Float.self).isEmpty)
        #expect(try Tensor([] as [Float], on: device).shape == [0])
        #expect(try Tensor([[Float]](), on: device).shape == [0, 0])
        #expect(try none.sum(axes: [0]).array(of: Float.self) == [0, 0, 0])
        #expect(try none.argSort(axis: 0).shape == [0, 3])
        #expect(try none.argSort(axis: 1).shape == [0, 3])
        #expect(try none.cumulativeSum(axis: 0).shape == [0, 3])
        #expect(try none.cumulativeMax(axis: 1).values.shape == [0, 3])
        #expect(try none.rows(at: Tensor([] as [Int], on: device)).shape == [0, 3])
        #expect(try none.take(Tensor([2, 0], on: device), axis: 1).shape == [0, 2])
        #expect(try Tensor.concatenate([none, none]).shape == [0, 3])
        #expect(try none.padded(axis: 0, before: 2, with: 7).array(of: Float.self) == [7, 7, 7, 7, 7, 7])
        #expect(try none.topK(0, axis: 0).values.shape == [0, 3])
        #expect(try none.transposed().matmul(none).array(of: Float.self) == [Float](repeating: 0, count: 9))
        #expect(try Tensor([1], on: device).oneHot(classes: 0).shape == [1, 0])
    }
}
