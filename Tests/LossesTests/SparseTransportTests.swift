import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Transport with few entries a column, beside POT 0.9.7's `smooth_ot_semi_dual` with `sparsity_constrained`, which gave the numbers.
@Suite struct SparseTransportTests {
    private static let (n, m) = (7, 5)
    private static let costs = (0..<35).map { place -> Float in
        let (i, j) = (Double(place / 5), Double(place % 5))
        return Float(abs(sin(1.3 * i * i + 0.7 * j) + 0.3 * cos(2.1 * j * i)))
    }
    private static let a = EntropicTransportTests.weights((0..<7).map { 1 + 0.5 * cos(5 * Double($0)) })
    private static let b = EntropicTransportTests.weights((0..<5).map { 1 + 0.7 * sin(4 * Double($0)) })

    private func solve(_ k: Int, _ gamma: Double, on device: Device) throws -> SparseTransport {
        try sparseTransport(
            cost: Tensor(Self.costs, shape: [7, 5], on: device), a: Tensor(Self.a, on: device), b: Tensor(Self.b, on: device), gamma: gamma,
            maximumNonzeros: k)
    }

    @Test(arguments: Device.all)
    func valuesAgreeWithPOT(device: Device) throws {
        // Where no supports tie the maximum is smooth and found exactly.
        for k in [4, 7] {
            for (gamma, value, cost) in [
                (0.3, 0.3153288876486279, 0.29798185575108876), (1, 0.35438164792958815, 0.2994388889502315),
                (3, 0.44993668576282203, 0.31712027408016297),
            ] {
                let solution = try solve(k, gamma, on: device)
                try expectClose(solution.value, [value], tolerance: 1e-6, "\(k) entries, gamma \(gamma)")
                try expectClose((solution.plan * Tensor(Self.costs, shape: [7, 5], on: device)).sum(), [cost], tolerance: 1e-6)
                #expect(solution.marginalError < 1e-8, "\(k) entries, gamma \(gamma)")
            }
        }
        // Where they tie it is a kink: at least as high as POT's.
        for (k, gamma, value) in [
            (2, 0.3, 0.3193041710436387), (2, 1, 0.37056926698883536), (2, 3, 0.505491365341435), (3, 0.3, 0.31619150000476665),
            (3, 1, 0.35913370032897807), (3, 3, 0.46473571935239155),
        ] {
            let solution = try solve(k, gamma, on: device)
            #expect(try solution.value.scalar() >= value - 2e-5, "\(k) entries, gamma \(gamma)")
            let plan = try solution.plan.array(of: Double.self)
            for j in 0..<5 {
                let column = (0..<7).map { plan[$0 * 5 + j] }
                #expect(column.filter { $0 > 0 }.count <= k && column.allSatisfy { $0 >= 0 })
                #expect(abs(column.reduce(0, +) - Double(Self.b[j])) < 1e-6)
            }
        }
    }

    /// Costs far above gamma: the plan's own objective is the dual's value, which certifies both.
    @Test(arguments: Device.all.filter(\.hasFloat64), [1e-2, 1e-4, 1e-6])
    func costsFarAboveGammaConverge(device: Device, gamma: Double) throws {
        let cost = try Tensor(Self.costs.map(Double.init), shape: [7, 5], on: device)
        let solution = try sparseTransport(
            cost: cost, a: Tensor(Self.a, on: device), b: Tensor(Self.b, on: device), gamma: gamma, maximumNonzeros: 7)
        #expect(solution.isConverged && solution.marginalError <= 1e-9, "\(solution.marginalError)")
        let plan = try solution.plan.array(of: Double.self)
        let objective = zip(plan, Self.costs).reduce(0) { $0 + $1.0 * Double($1.1) + gamma / 2 * $1.0 * $1.0 }
        expectClose([objective], [try solution.value.scalar()], tolerance: 1e-8)
    }

    /// Stopped early, or at a kink, it says so.
    @Test(arguments: Device.all)
    func whatDoesNotConvergeSaysSo(device: Device) throws {
        let cost = try Tensor(Self.costs, shape: [7, 5], on: device)
        let early = try sparseTransport(cost: cost, gamma: 1e-3, maximumNonzeros: 7, maximumIterations: 2)
        #expect(!early.isConverged && early.marginalError > 1e-9)
        for k in 1...7 {
            let solution = try solve(k, 0.3, on: device)
            #expect(solution.isConverged == (solution.marginalError <= 1e-9), "\(k) entries")
        }
    }

    @Test(arguments: Device.all)
    func badInputIsAnsweredInOneLine(device: Device) throws {
        let cost = try Tensor(Self.costs, shape: [7, 5], on: device)
        let calls: [(String, () throws -> SparseTransport)] = [
            ("gamma", { try sparseTransport(cost: cost, gamma: 0) }), ("entries", { try sparseTransport(cost: cost, maximumNonzeros: 8) }),
            ("no entries", { try sparseTransport(cost: cost, maximumNonzeros: 0) }),
            ("NaN", { try sparseTransport(cost: cost / 0) }), ("empty", { try sparseTransport(cost: Tensor.zeros([0, 3], on: device)) }),
            ("negative", { try sparseTransport(cost: cost, a: Tensor([-1, 1, 1, 0, 0, 0, 0] as [Float], on: device)) }),
            ("masses", { try sparseTransport(cost: cost, a: Tensor.ones([7], on: device)) }),
        ]
        for (name, call) in calls {
            do {
                _ = try call()
                Issue.record("\(name): no error")
            } catch {
                #expect(!"\(error)".contains("\n") && "\(error)".contains(" got "), "\(name): \(error)")
            }
        }
    }
}
