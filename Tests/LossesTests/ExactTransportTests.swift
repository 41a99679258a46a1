import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Assignments and exact plans: beside SciPy 1.17 and POT 0.9.7, which gave the numbers, and against the certificate of their duals.
@Suite struct ExactTransportTests {
    private func costs(_ n: Int, _ m: Int, on device: Device) throws -> Tensor {
        let values = (0..<n * m).map { place -> Float in
            let k = Double(place)
            return Float(2 * sin(1.3 * k * k + 0.7) + 0.01 * k)
        }
        return try Tensor(values, shape: [n, m], on: device)
    }

    private func sum(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) } }

    private func masses(_ n: Int, _ m: Int) -> (a: [Float], b: [Float]) {
        let a = (0..<n).map { place -> Float in Float(1 + 0.5 * cos(5 * Double(place))) }
        let b = (0..<m).map { place -> Double in Double(Float(1 + 0.7 * sin(4 * Double(place)))) }
        let scale: Double = sum(a) / b.reduce(0, +)
        return (a, b.map { Float($0 * scale) })
    }

    @Test(arguments: Device.all)
    func assignmentsAgreeWithSciPy(device: Device) throws {
        let expected: [(Int, Int, [Int], Double)] = [
            (6, 6, [2, 4, 0, 1, 3, 5], -6.114779621362686), (4, 7, [6, 3, 5, 2], -4.704073846340179),
            (7, 4, [-1, -1, 1, 2, 3, 0, -1], -5.8815600872039795),
        ]
        for (n, m, columns, cost) in expected {
            let found = try assignment(cost: costs(n, m, on: device))
            #expect(try found.columns.array(of: Int.self) == columns)
            try expectClose(found.cost, [cost], tolerance: 1e-6)
        }
        try expectClose(assignment(cost: costs(30, 30, on: device)).cost, [76.52922084927559], tolerance: 1e-6)
        let batch = try Tensor.stack([costs(5, 3, on: device), -costs(5, 3, on: device)])
        let both = try assignment(cost: batch)
        for entry in 0..<2 {
            let one = try assignment(cost: batch[entry])
            #expect(try both.columns[entry].array(of: Int.self) == one.columns.array(of: Int.self))
        }
        let slope = try gradient(at: costs(4, 7, on: device)) { try assignment(cost: $0).cost * 2 }
        try expectClose(slope, (0..<28).map { [6, 3, 5, 2][$0 / 7] == $0 % 7 ? 2 : 0 }, tolerance: 0)
        #expect(try assignment(cost: Tensor.zeros([0, 3], on: device)).cost.scalar() == 0)
    }

    @Test(arguments: Device.all)
    func plansAgreeWithPOTAndTheirDuals(device: Device) throws {
        for (n, m, value) in [(9, 6, -7.962642692910688), (40, 50, 323.6512790319366)] {
            let (a, b) = masses(n, m)
            let cost = try costs(n, m, on: device)
            let solution = try exactTransport(a: Tensor(a, on: device), b: Tensor(b, on: device), cost: cost)
            try expectClose(solution.cost, [value], tolerance: 1e-6)
            let plan = try solution.plan.array(of: Double.self)
            let (u, v): ([Double], [Double]) = (try solution.potentials.x.array(), try solution.potentials.y.array())
            let c = try cost.array(of: Double.self)
            var (rows, columns) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: m))
            for place in 0..<n * m {
                rows[place / m] += plan[place]
                columns[place % m] += plan[place]
            }
            expectClose(rows, a.map { Double($0) }, tolerance: 1e-6)
            expectClose(columns, b.map { Double($0) }, tolerance: 1e-6)
            for place in 0..<n * m {
                let slack = c[place] - u[place / m] - v[place % m]
                #expect(slack >= -2e-6 && (plan[place] == 0 || slack <= 2e-6))
            }
            #expect(plan.count(where: { $0 != 0 }) <= n + m - 1)
            func weighted(_ potentials: [Double], _ masses: [Float]) -> Double {
                zip(potentials, masses).reduce(0) { $0 + $1.0 * Double($1.1) }
            }
            let dual = weighted(u, a) + weighted(v, b)
            expectClose([dual], [value], tolerance: 1e-5)
        }
    }

    /// Moving mass from one source to another changes the cost by the difference of their potentials; the cost of a pair by its mass.
    @Test(arguments: Device.all)
    func gradientsAreDifferences(device: Device) throws {
        let (n, m) = (7, 5)
        let (a, b) = masses(n, m)
        let cost = try costs(n, m, on: device)
        func value(_ a: [Float], _ cost: Tensor) throws -> Double {
            try exactTransport(a: Tensor(a, on: device), b: Tensor(b, on: device), cost: cost).cost.scalar()
        }
        let slopes = try gradient(at: [Tensor(a, on: device), cost]) {
            try exactTransport(a: $0[0], b: Tensor(b, on: device), cost: $0[1]).cost
        }
        let (masses, pairs): ([Double], [Double]) = (try slopes[0].array(), try slopes[1].array())
        var (up, down) = (a, a)
        (up[1], up[4], down[1], down[4]) = (a[1] + 0.01, a[4] - 0.01, a[1] - 0.01, a[4] + 0.01)
        expectClose([(try value(up, cost) - value(down, cost)) / 0.02], [masses[1] - masses[4]], tolerance: 1e-3)
        for place in [3, 17, 20] {
            let nudge = try Tensor((0..<n * m).map { $0 == place ? Float(0.01) : 0 }, shape: [n, m], on: device)
            expectClose([(try value(a, cost + nudge) - value(a, cost - nudge)) / 0.02], [pairs[place]], tolerance: 1e-3)
        }
    }

    /// On a line the plan in order is the best one.
    @Test(arguments: Device.all)
    func linesNeedNoSearch(device: Device) throws {
        var random = SplitMix64(seed: 4)
        let (x, y) = (
            try Tensor(random.values(30).map { Float($0) }, on: device), try Tensor(random.values(20).map { Float($0) }, on: device)
        )
        let (a, b) = masses(30, 20)
        let (s, t) = (try Tensor(a, on: device), try Tensor(b, on: device))
        let cost = try (x.expandedDimensions(at: 1) - y).square()
        let exact = try exactTransport(a: s, b: t, cost: cost).cost.scalar() / sum(a)
        try expectClose(wasserstein1D(x, y, a: s, b: t, p: 2), [exact], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func badInputIsAnsweredInOneLine(device: Device) throws {
        let cost = try costs(2, 3, on: device)
        func mass(_ values: [Float]) throws -> Tensor { try Tensor(values, on: device) }
        let calls: [(String, () throws -> Tensor)] = [
            ("NaN", { try assignment(cost: cost / 0).cost }), ("rank", { try assignment(cost: mass([1])).cost }),
            ("masses", { try exactTransport(a: mass([1, 1]), b: mass([1, 1, 1]), cost: cost).cost }),
            ("negative", { try exactTransport(a: mass([3, -1]), b: mass([1, 1, 0]), cost: cost).cost }),
            ("nothing", { try exactTransport(a: mass([0, 0]), b: mass([0, 0, 0]), cost: cost).cost }),
            ("shape", { try exactTransport(a: mass([1, 1]), b: mass([1, 1]), cost: cost).cost }),
        ]
        for (name, call) in calls {
            do {
                _ = try call().scalar()
                Issue.record("\(name): no error")
            } catch {
                #expect(!"\(error)".contains("\n") && "\(error)".contains(" got "), "\(name): \(error)")
            }
        }
    }
}
