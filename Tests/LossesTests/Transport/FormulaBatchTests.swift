import LossKit
import LossKitTestSupport
import Testing

/// A batch of problems whose cost is a formula: each as it is alone.
@Suite struct FormulaBatchTests {
    private static let seeds: [UInt64] = [101, 103, 105, 107]

    /// x, y, a and b of four problems, with two leading axes.
    private static func batch(on device: Device) throws -> [Tensor] {
        let problems = try seeds.map { try FormulaTransportProblem(seed: $0).tensors(on: device) }
        return try [\.x, \.y, \.a, \.b].map { (part: KeyPath<(x: Tensor, y: Tensor, a: Tensor, b: Tensor), Tensor>) in
            let all = try Tensor.stack(problems.map { $0[keyPath: part] })
            return try all.reshaped([2, 2] + all.shape.dropFirst()).evaluated()
        }
    }

    /// A cost with a parameter.
    private static func cost(_ x: Tensor, _ y: Tensor, _ scales: Tensor) -> TransportCost {
        .formula(x, y) { (($0 - $1).absolute() * .parameter(scales)).coordinateSum() }
    }

    @Test(arguments: Device.all, [true, false])
    func problemsDoNotKnowOfEachOther(device: Device, isLinear: Bool) throws {
        let given = try Self.batch(on: device)
        let scales = try Tensor([0.7, 1.2, 0.4] as [Float], on: device)
        let options = EntropicTransportOptions(tolerance: 1e-6, maximumIterations: 20_000, gradient: .implicit, linearMemory: isLinear)
        func solved(_ inputs: [Tensor]) throws -> EntropicTransport {
            try entropicTransport(Self.cost(inputs[0], inputs[1], inputs[4]), a: inputs[2], b: inputs[3], epsilon: 0.2, options: options)
        }
        let worths = try Tensor([1, -0.5, 2, 0.3] as [Float], shape: [2, 2], on: device)
        func slopes(_ inputs: [Tensor], worth: Tensor) throws -> [Tensor] {
            try gradient(at: inputs) { inputs in
                let solution = try solved(inputs)
                return try (solution.value * worth).sum() + solution.plan().square().sum()
            }
        }
        let whole = try solved(given + [scales])
        #expect(whole.isConverged && whole.value.shape == [2, 2] && whole.potentials.x.shape == [2, 2, 9])
        #expect(try whole.plan(rows: 2..<5).shape == [2, 2, 3, 7])
        #expect(try whole.barycentricMap().shape == [2, 2, 9, 3])
        let all = try slopes(given + [scales], worth: worths)
        var sum = [0.0, 0, 0]
        for entry in 0..<4 {
            func own(_ tensor: Tensor) -> Tensor { tensor[entry / 2][entry % 2] }
            let inputs = try given.map { try own($0).evaluated() } + [scales]
            let alone = try solved(inputs)
            expectClose([try own(whole.value).scalar()], [try alone.value.scalar()], tolerance: 2e-6, "\(entry)")
            try expectClose(own(whole.plan()), alone.plan().array(), tolerance: 2e-6, "\(entry)")
            expectClose([try own(whole.linearCost()).scalar()], [try alone.linearCost().scalar()], tolerance: 5e-6, "\(entry)")
            let parts = try slopes(inputs, worth: own(worths))
            for (part, slope) in parts.prefix(2).enumerated() {
                try expectClose(own(all[part]), slope.array(), tolerance: 1e-5, "\(entry), \(part)")
            }
            sum = zip(sum, try parts[4].array(of: Double.self)).map { $0 + $1 }
        }
        try expectClose(all[4], sum, tolerance: 2e-5)
    }

    @Test(arguments: Device.all)
    func divergencesHaveBatches(device: Device) throws {
        let given = try Self.batch(on: device)
        func divergence(_ x: Tensor, _ y: Tensor, _ a: Tensor, _ b: Tensor) throws -> Tensor {
            try sinkhornDivergence(x, y, a: a, b: b, epsilon: 0.1, rho: 0.5, tolerance: 1e-6, maximumIterations: 20_000) {
                $0.distance(to: $1, metric: .manhattan)
            }
        }
        let b = try (given[3] * 1.5).evaluated()
        let whole = try divergence(given[0], given[1], given[2], b)
        #expect(whole.shape == [2, 2])
        let alone = try (0..<4).map { entry in
            func own(_ tensor: Tensor) throws -> Tensor { try tensor[entry / 2][entry % 2].evaluated() }
            return try divergence(own(given[0]), own(given[1]), own(given[2]), own(b)).scalar()
        }
        try expectClose(whole, alone, tolerance: 4e-6)
    }
}
