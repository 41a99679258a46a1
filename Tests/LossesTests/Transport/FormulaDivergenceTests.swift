import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Debiased divergences of costs that are formulas.
@Suite struct FormulaDivergenceTests {
    /// Of the distance it is the divergence of power 1, which another solver gives; of equal clouds 0.
    @Test(arguments: Device.all, [nil, 0.7])
    func divergencesAreThoseOfPoints(device: Device, rho: Double?) throws {
        let given = try FormulaTransportProblem(seed: 83).tensors(on: device)
        let b = rho == nil ? given.b : try (given.b * 1.5).evaluated()
        func both(_ value: @escaping @Sendable ([Tensor]) throws -> Tensor) throws -> (value: Double, slopes: [[Double]]) {
            let (value, slopes) = try valueWithGradient(at: [given.x, given.y, given.a, b], of: value)
            return (try value.scalar(), try slopes.map { try $0.array() })
        }
        let formula = try both {
            try sinkhornDivergence($0[0], $0[1], a: $0[2], b: $0[3], epsilon: 0.1, rho: rho, tolerance: 1e-6, maximumIterations: 20_000) {
                $0.distance(to: $1)
            }
        }
        let points = try both {
            try sinkhornDivergence(
                $0[0], $0[1], a: $0[2], b: $0[3], epsilon: 0.1, power: 1, reach: rho, tolerance: 1e-6, maximumIterations: 20_000)
        }
        expectClose([formula.value], [points.value], tolerance: 2e-6)
        for part in 0..<2 { expectClose(formula.slopes[part], points.slopes[part], tolerance: 1e-5, "part \(part)") }
        for part in 2..<4 {
            // A constant added to a side's potentials moves nothing where masses are held.
            func centred(_ values: [Double]) -> [Double] { rho == nil ? values.map { $0 - values[0] } : values }
            expectClose(centred(formula.slopes[part]), centred(points.slopes[part]), tolerance: 1e-5, "part \(part)")
        }
        let none = try sinkhornDivergence(given.x, (given.x + 0).evaluated(), epsilon: 0.1) { $0.distance(to: $1, metric: .manhattan) }
        #expect(try none.scalar() == 0)
    }

    /// What came out is known, and where that is not the solution it says so.
    @Test(arguments: Device.all)
    func resultsSayHowTheyCameOut(device: Device) throws {
        let problem = FormulaTransportProblem(seed: 87)
        let given = try problem.tensors(on: device)
        let cost = try #require(CostFormula.all.first { $0.testDescription == "manhattan" })
        let reference = problem.reference(cost, 0.02, .exact)
        func result(_ tolerance: Double, _ iterations: Int) throws -> SinkhornResult {
            try sinkhorn(
                given.x, given.y, a: given.a, b: given.b, epsilon: 0.02, tolerance: tolerance, maximumIterations: iterations
            ) { $0.distance(to: $1, metric: .manhattan) }
        }
        /// The largest distance of a plan's marginal from its weights.
        func error(_ result: SinkhornResult) throws -> Double {
            let plan = reference.plan(try result.potentials.x.array(), try result.potentials.y.array())
            let rows = zip(plan, problem.a).reduce(0) { $0 + abs($1.0.reduce(0, +) - $1.1) }
            let columns = problem.b.indices.reduce(0) { sum, j in sum + abs(plan.reduce(0) { $0 + $1[j] } - problem.b[j]) }
            return max(rows, columns)
        }
        let solved = try result(1e-5, 20_000)
        #expect(solved.isConverged && solved.marginalError <= 1e-5 && solved.iterations < 20_000)
        // Potentials of this size are rounded by as much.
        expectClose([try error(solved)], [solved.marginalError], tolerance: 2e-5)
        let cut = try result(1e-9, 3)
        #expect(!cut.isConverged && cut.iterations == 3 && cut.marginalError > 1e-4, "\(cut.iterations), \(cut.marginalError)")
        expectClose([try error(cut)], [cut.marginalError], tolerance: 2e-5)
    }
}
