import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct OptimizerTests {
    /// Four steps, with all learning rates halved after the second, down a sum of cubes, products and sines.
    private func descend<O: Optimizer>(_ optimizer: O, on device: Device, halving: (inout O) -> Void) throws -> [Double] {
        var optimizer = optimizer
        var parameters = try [
            Tensor([0.5, -1.25, 2] as [Double], on: device), Tensor([1.5, -0.5] as [Double], shape: [1, 2], on: device),
            Tensor([0.75] as [Double], on: device),
        ]
        for step in 0..<4 {
            if step == 2 { halving(&optimizer) }
            let gradients = try gradient(at: parameters) { p in
                let products: Tensor = try p[1].square().sum() * p[2].sum()
                let sines: Tensor = try p[2].sin().sum() * p[0].sum()
                return try p[0].power(3).sum() + products + sines
            }
            parameters = try optimizer.step(parameters, gradients: gradients)
        }
        return try parameters.flatMap { try $0.array(of: Double.self) }
    }

    static let devices = Device.all.filter(\.hasFloat64)

    // The expected numbers are PyTorch 2.15's for the same groups, in float64.

    @Test(arguments: devices)
    func momentumByGroups(device: Device) throws {
        let optimizer = SGD(
            learningRate: 0.01, momentum: 0.9, dampening: 0.25,
            groups: [
                .init([1]) { ($0.learningRate, $0.momentum, $0.nesterov, $0.dampening) = (0.005, 0.5, true, 0) },
                .init([2]) { ($0.weightDecay, $0.momentum) = (0.3, 0) },
            ])
        let found = try descend(optimizer, on: device) { optimizer in
            optimizer.learningRate /= 2
            for index in optimizer.groups.indices { optimizer.groups[index].options.learningRate /= 2 }
        }
        expectClose(
            found,
            [0.42922083132168815, -1.5457624946408752, 1.4120364718993088, 1.4454595725531, -0.4818198575177, 0.6483438660471365],
            tolerance: 1e-12)
    }

    @Test(arguments: devices)
    func adamByGroups(device: Device) throws {
        let optimizer = Adam(
            learningRate: 0.01, weightDecay: 0.1,
            groups: [
                .init([1]) { ($0.learningRate, $0.betas) = (0.05, (0.5, 0.9)) },
                .init([2]) { ($0.weightDecay, $0.epsilon) = (0.3, 1e-3) },
            ])
        let halving: (inout Adam) -> Void = { optimizer in
            optimizer.learningRate /= 2
            for index in optimizer.groups.indices { optimizer.groups[index].options.learningRate /= 2 }
        }
        expectClose(
            try descend(optimizer, on: device, halving: halving),
            [0.4700338735763351, -1.280013803096088, 1.9700121202884702, 1.351415958090798, -0.35395002259364017, 0.7200969133117782],
            tolerance: 1e-12)
        let decoupled = Adam.adamW(
            learningRate: 0.01, weightDecay: 0.1,
            groups: [.init([1]) { $0.learningRate = 0.05 }, .init([2]) { $0.weightDecay = 0 }])
        expectClose(
            try descend(decoupled, on: device, halving: halving),
            [0.46856976787104526, -1.2762334649442029, 1.964053625538445, 1.3288140297784863, -0.3445474180720707, 0.7201091806405612],
            tolerance: 1e-12)
    }

    @Test func wrongGroupsAreNamed() throws {
        let x = try Tensor([1, 2] as [Float], on: .cpu)
        func refused(_ optimizer: some Optimizer, _ text: String) {
            var optimizer = optimizer
            #expect { try optimizer.step([x], gradients: [x]) } throws: { "\($0)".contains(text) }
        }
        refused(SGD(learningRate: 1, groups: [.init([1]) { _ in }]), "parameter 1")
        refused(SGD(learningRate: 1, groups: [.init([0]) { _ in }, .init([0]) { _ in }]), "in two")
        refused(SGD(learningRate: -1), "learning rate")
        refused(SGD(learningRate: 1, nesterov: true), "Nesterov")
        refused(Adam(betas: (1, 0.5)), "betas")
        refused(Adam(groups: [.init([-1]) { _ in }]), "parameter -1")
    }

    /// Parameters that change between steps are an error, and a step that fails leaves the optimiser as it was.
    @Test func aFailedStepChangesNothing() throws {
        let x = try Tensor([1, 2] as [Double], on: .cpu)
        var (adam, other) = (Adam(), Adam())
        var (sgd, another) = (SGD(learningRate: 0.1, momentum: 0.9), SGD(learningRate: 0.1, momentum: 0.9))
        let first = try adam.step([x, x], gradients: [x, x])
        #expect(try other.step([x, x], gradients: [x, x])[0].array(of: Double.self) == first[0].array(of: Double.self))
        _ = (try sgd.step([x, x], gradients: [x, x]), try another.step([x, x], gradients: [x, x]))
        let wrong = Tensor(shape: [2], dtype: .float64, device: .cpu, state: .failed(TensorError.file(path: "nowhere", problem: "none")))
        #expect(throws: TensorError.self) { try adam.step([x], gradients: [x]) }
        #expect(throws: TensorError.self) { try adam.step([x, x, x], gradients: [x, x, x]) }
        #expect(throws: TensorError.self) { try adam.step([x, x], gradients: [x, wrong]) }
        #expect(throws: TensorError.self) { try sgd.step([x, x], gradients: [x, wrong]) }
        #expect(throws: TensorError.self) { try sgd.step([x], gradients: [x]) }
        let (after, expected) = (try adam.step(first, gradients: [x, x]), try other.step(first, gradients: [x, x]))
        #expect(try after[0].array(of: Double.self) == expected[0].array(of: Double.self))
        let (swung, reference) = (try sgd.step(first, gradients: [x, x]), try another.step(first, gradients: [x, x]))
        #expect(try swung[0].array(of: Double.self) == reference[0].array(of: Double.self))
    }
}
