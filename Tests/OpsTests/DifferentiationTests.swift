import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct DifferentiationTests {
    private func values(_ count: Int, seed: UInt64 = 1, in range: ClosedRange<Double> = -1...1) -> [Double] {
        var random = SplitMix64(seed: seed)
        return random.values(count, in: range)
    }

    private func message(_ body: () throws -> Any) -> String {
        do { return "\(try body())" } catch { return "\(error)" }
    }

    /// Every way to look at, join or move elements: its derivative, and the derivative of that.
    @Test(arguments: Device.all)
    func movingElementsIsTwiceDifferentiable(device: Device) throws {
        let x = try Tensor(values(24), shape: [2, 3, 4], on: device)
        let y = try Tensor(values(24, seed: 2), shape: [2, 3, 4], on: device)
        let mask = try Tensor(values(24, seed: 3).map { $0 > 0 }, shape: [2, 3, 4], on: device)
        let functions: [(String, @Sendable (Tensor, Tensor) throws -> Tensor)] = [
            ("flattened", { a, b in try (a * b).flattened() }),
            ("reshaped view", { a, b in try a.transposed().reshaped([4, 6]) * b.reshaped([4, 6]) }),
            ("swappingAxes", { a, b in try a.swappingAxes(0, 2) * b.transposed() }),
            ("flipped", { a, b in try a.flipped(axes: [0, 2]) * b }),
            ("expandedDimensions", { a, b in try a.expandedDimensions(at: 1) * b.expandedDimensions(at: 0) }),
            ("squeezed", { a, b in try a.slice(axis: 1, from: 1, to: 2).squeezed() * b[0][0] }),
            ("subscript", { a, b in a[-1] * b[0..<1] }),
            ("slice backwards", { a, b in try a.slice(axis: 2, from: 1, to: 4, step: -2) * b.slice(axis: 2, step: 2) }),
            ("broadcast", { a, b in try a[0].broadcast(to: [5, 3, 4]) * b[1] }),
            ("diagonal", { a, b in try a.slice(axis: 2, to: 3).diagonal() * b.slice(axis: 0, to: 1).slice(axis: 2, to: 3).diagonal(1, 2) }),
            ("concatenate", { a, b in try .concatenate([a, b, a * b], axis: 1) }), ("stack", { a, b in try .stack([a, b], axis: -1) }),
            ("split", { a, b in try a.split([1, 3], axis: 2)[1] * b.split([3, 1], axis: 2)[0] }),
            ("padded", { a, b in try a.padded(axis: 1, before: 2, with: 3) * b.padded(axis: 1, after: 2, with: 2) }),
            (
                "slidingWindows",
                { a, b in try a.slidingWindows(axis: 2, size: 2, stride: 1, dilation: 2) * b.slidingWindows(axis: 2, size: 2, stride: 2) }
            ),
            ("select", { a, b in .select(mask, a, b * b) }), ("asType", { a, b in (a * b).asType(.float64) }),
            ("to", { a, b in try a.to(.cpu).to(device) * b }), ("evaluated", { a, b in try (a * b).evaluated() }),
            ("checkpoint", { a, b in try checkpoint([a, b]) { try ($0[0] * $0[1]).exp().cumulativeSum() } }),
        ]
        for (name, function) in functions {
            try expectGradient(at: [x, y], tolerance: 1e-6, name) { try function($0[0], $0[1]) }
            try expectGradient(at: [x, y], tolerance: 1e-5, "second " + name) { points in
                let slopes = try gradient(at: points) { try function($0[0], $0[1]).power(3).sum() }
                return try .concatenate(slopes)
            }
        }
    }

    @Test(arguments: Device.all)
    func differentiationsNest(device: Device) throws {
        let x = try Tensor([1.5, -0.5], on: device)
        let third = try gradient(at: x) { x in
            try gradient(at: x) { x in try gradient(at: x) { try $0.power(4).sum() }.sum() }.sum()
        }
        try expectClose(third, [36, -12], tolerance: 1e-12)
        // A Hessian-vector product, and the mixed derivative of x^2 y^3.
        let v = try Tensor([2.0, -1], on: device)
        let product = try gradient(at: x) { x in try (gradient(at: x) { try $0.exp().sum() } * v).sum() }
        try expectClose(product, (x.exp() * v).array(), tolerance: 1e-12)
        let y = try Tensor([0.7, 2.0], on: device)
        let mixed = try gradient(at: y) { y in try gradient(at: x) { x in try (x.square() * y.power(3)).sum() }.sum() }
        try expectClose(mixed, (x * 6 * y.square()).array(), tolerance: 1e-12)
    }

    @Test(arguments: Device.all)
    func whatDoesNotDependIsZero(device: Device) throws {
        let (x, y) = (try Tensor([1.0, 2], on: device), try Tensor([3.0], on: device))
        let slopes = try gradient(at: [x, y]) { try $0[0].sum() }
        try expectClose(slopes[1], [0], tolerance: 0)
        try expectClose(gradient(at: x) { try (stopGradient($0) * $0).sum() }, [1, 2], tolerance: 0)
        try expectClose(gradient(at: x) { try ($0 .> 1.5).asType(.float64).sum() }, [0, 0], tolerance: 0)
        try expectClose(gradient(at: x) { try $0.argSort().asType(.float64).sum() }, [0, 0], tolerance: 0)
        let narrow = try gradient(at: x.asType(.bfloat16)) { try $0.square().sum() }
        #expect(narrow.dtype == .bfloat16)
    }

    @Test(arguments: Device.all)
    func ownDerivativesAreDifferentiated(device: Device) throws {
        let x = try Tensor([0.5, -1.25], on: device)
        // x^3 with its derivative given by hand: the second follows from it.
        func cube(_ x: Tensor) throws -> Tensor {
            try customVJP([x]) { inputs in
                let x = inputs[0]
                return (x * x * x, { cotangent in [cotangent * x * x * 3] })
            }
        }
        try expectGradient(at: [x], tolerance: 1e-8) { try cube($0[0]) }
        try expectGradient(at: [x], tolerance: 1e-7) { try gradient(at: $0[0]) { try cube($0).square().sum() } }
        // A derivative that is not the function's own is taken as given.
        let through = try gradient(at: x) { x in try customVJP([x]) { inputs in (inputs[0].round(), { [$0 * 7] }) }.sum() }
        try expectClose(through, [7, 7], tolerance: 0)
        let none = try gradient(at: x) { x in try customVJP([x]) { inputs in (inputs[0].exp(), { _ in [nil] }) }.sum() }
        try expectClose(none, [0, 0], tolerance: 0)
    }

    @Test(arguments: Device.all)
    func recomputingGivesTheSame(device: Device) throws {
        let x = try Tensor(values(64), shape: [8, 8], on: device)
        let layers: @Sendable (Tensor) throws -> Tensor = { x in try (0..<6).reduce(x) { value, _ in try value.matmul(value).tanh() } }
        let (plain, whole) = try Profiler.measure { try gradient(at: x) { try layers($0).sum() }.evaluated() }
        let (again, less) = try Profiler.measure { try gradient(at: x) { try checkpoint([$0]) { try layers($0[0]) }.sum() }.evaluated() }
        try expectClose(again, plain.array(), tolerance: 1e-12)
        #expect(less.launches > whole.launches)
    }

    @Test(arguments: Device.all)
    func misuseIsAnError(device: Device) throws {
        let x = try Tensor([1.0, 2], on: device)
        #expect(message { try gradient(at: x) { $0 } }.contains("expected one floating-point number as value, got float64 of shape [2]"))
        #expect(message { try gradient(at: x) { try $0.argSort().sum() } }.contains("got int64"))
        #expect(
            message { try gradient(at: Tensor([1, 2], on: device)) { try $0.sum() } }.contains("expected floating-point points, got int64"))
        #expect(message { try gradient(at: x) { try ($0 + Tensor([1.0, 2, 3], on: device)).sum() } }.contains("broadcast"))
        #expect(
            message { try gradient(at: x) { x in try customVJP([x]) { ($0[0], { _ in [] }) }.sum() } }.contains("expected 1 cotangents"))
        #expect(
            message { try gradient(at: x) { x in try customVJP([x]) { ($0[0], { _ in [try .zeros([3], on: device)] }) }.sum() } }.contains(
                "[2], got [3]"))
        #expect(message { try gradient(at: x) { try $0.trigamma().sum() } }.contains("trigamma: its derivative of order 1"))
        struct Given: Error {}
        #expect(throws: Given.self) { try gradient(at: x) { _ in throw Given() } }
        // What was held is still there, and so is differentiation.
        try expectClose(gradient(at: x) { try $0.square().sum() }, [2, 4], tolerance: 0)
    }

    @Test(arguments: Device.all)
    func nothingIsRecordedOutside(device: Device) throws {
        let x = try Tensor([1.0, 2], on: device)
        var leaked: Tensor?
        let slope = try gradient(at: x) { x in
            leaked = x.exp()
            return try x.square().sum()
        }
        for outside in [x, slope, x.exp()] { #expect(outside.history == nil) }
        // A value that leaves its differentiation is a constant to the next.
        let kept = try #require(leaked)
        try expectClose(gradient(at: x) { try ($0 * kept).sum() }, kept.array(), tolerance: 1e-15)
    }
}
