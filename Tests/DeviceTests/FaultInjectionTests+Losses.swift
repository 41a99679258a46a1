import LossKit
import LossKitTestSupport
import Testing

@testable import LossKitDevice

extension FaultInjectionTests {
    /// Losses whose kernels the step of training does not launch; with `LOSSKIT_TEST_FAULTS` set, all losses.
    static let losses =
        Environment.value("LOSSKIT_TEST_FAULTS") == nil
        ? [
            "batchTripletMargin", "bettiMatching", "buresWasserstein", "chamfer", "ctc", "energyDistance", "linearCrossEntropy", "softDTW",
            "sparsemaxLoss", "supCon",
        ] : LossRegistry.all.map(\.name)

    /// Any call fails, early, midway and late in a loss and its gradients.
    @Test(arguments: losses)
    func aLossSurvives(name: String) throws {
        let bench = try Self.shared.get()
        let loss = try #require(LossRegistry.named(name), "a registered loss")
        let inputs = try draw(loss, on: bench.device)
        let names = loss.inputs.filter { $0.isDifferentiable && inputs[$0.name] != nil }.map(\.name)
        let options = loss.options.contains { $0.name == "maximumIterations" } ? ["maximumIterations": "3"] : [:]
        func step() throws -> [Float] {
            let (value, gradients) = try valueWithGradient(at: names.compactMap { inputs[$0] }) { points in
                try loss(inputs.merging(zip(names, points)) { $1 }, options: options).sum()
            }
            return try ([value] + gradients).flatMap { try $0.array(of: Float.self) }
        }
        for _ in 0..<3 {
            _ = try step()
            BackgroundQueue.drain()
        }
        let reference = try step().map(\.bitPattern)
        _ = bench.holdings
        let count = try calls { _ = try step() }.values.reduce(0, +)
        for quarter in 0..<4 {
            let before = bench.holdings
            let fault = FaultInjection.Fault(function: nil, nth: 1 + count * quarter / 4, code: -5)
            switch outcome(fault, step) {
            case .success(let values): #expect(values.map(\.bitPattern) == reference, "\(fault) of \(count)")
            case .failure(let error): #expect(error is DeviceError && "\(error)".contains("CL_OUT_OF_RESOURCES"), "\(fault) of \(count): \(error)")
            }
            bench.device.reset()
            #expect(try bench.held.array(of: Float.self) == FaultBench.heldValues, "\(fault) of \(count)")
            #expect(bench.holdings == before, "\(fault) of \(count): handles or bytes are left")
            #expect(try step().map(\.bitPattern) == reference, "\(fault) of \(count)")
        }
    }

    private func draw(_ loss: LossDescription, on device: Device) throws -> [String: Tensor] {
        var random = Philox(seed: 3)
        let extents = ["n": 7, "m": 5, "d": 3, "e": 2, "t": 5, "classes": 11]
        var tensors: [String: Tensor] = [:]
        for input in loss.inputs where !input.isOptional {
            let values = input.draw(extents: extents, using: &random)
            let shape = input.shape.map { extents[$0] ?? 1 }
            tensors[input.name] =
                input.values.isInteger
                ? try Tensor(values.map { Int($0) }, shape: shape, on: device) : try Tensor(values.map { Float($0) }, shape: shape, on: device)
        }
        return tensors
    }
}
