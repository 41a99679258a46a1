import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitKernels

@Suite struct NearColumnsTests {
    /// Points on a line: after a survey a sweep goes by what mattered then, whatever the potentials of other columns are by now.
    @Test func columnsThatDoNotMatterAreNotLookedAt() throws {
        let (n, m) = (700, 1500)
        let points = (0..<n).map { Float($0) / Float(n) }, columns = (0..<m).map { Float($0) / Float(m) }
        let kernels = SoftMinKernels(batch: 1, n: n, m: m, d: 1, cost: .halfSquare)
        let near = try NearColumns(n: n, m: m, least: 1e-9, remote: 1e-12)
        let (soft, next) = (try buffer([Float](repeating: 0, count: n), on: .cpu), try buffer([Float](repeating: 0, count: n), on: .cpu))
        func slice(_ values: [Float]) throws -> BufferSlice { BufferSlice(try buffer(values, on: .cpu), elementSize: 4) }
        func sweep(_ kind: NearColumns.Sweep?, _ potentials: [Float]) throws -> [Float] {
            let inputs = SoftMinKernels.Inputs(
                points: try slice(points), columns: try slice(columns), logWeights: try slice([Float](repeating: 0, count: m)),
                potentials: try slice(potentials))
            // A row's sum is about 1 for these.
            try kernels(
                inputs, own: slice([Float](repeating: -3.2e-4, count: n)), epsilon: 1e-4, keep: 0, take: 1,
                soft: BufferSlice(soft, elementSize: 4), next: BufferSlice(next, elementSize: 4), near: kind.map(near.sweeping), on: .cpu)
            var found = [Float](repeating: 0, count: n)
            try found.withUnsafeMutableBytes { try soft.download(into: $0) }
            return found
        }
        var potentials = [Float](repeating: 0, count: m)
        let surveyed = try sweep(.survey, potentials)
        #expect(try surveyed == sweep(.go, potentials) && surveyed == sweep(.search, potentials))
        // 5e-4 of the columns' own scale, and so by far the most of every row's sum.
        potentials[m - 1] = 1
        let (blind, seeing, all) = (try sweep(.go, potentials), try sweep(.search, potentials), try sweep(nil, potentials))
        #expect(blind[..<(n / 2)] == surveyed[..<(n / 2)])
        #expect(seeing[..<(n / 2)] == surveyed[..<(n / 2)], "a search looks among candidates")
        #expect(all[0] < -0.4 && surveyed[0] > -1e-3)
        let again = try sweep(.survey, potentials)
        for (a, b) in zip(again, all) { #expect(abs(a - b) <= 1e-6) }
    }
}
