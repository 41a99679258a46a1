import LossKit
import Testing

@testable import Benchmarks

@Suite struct ToleranceTests {
    private let tolerance = Tolerance(relative: 1e-3, ofLargest: 1e-4)

    @Test(arguments: Device.all) func agreementIsSilent(device: Device) throws {
        let expected = try Tensor([100, 1e-3, -50] as [Float], on: device)
        let actual = try Tensor([100.1, 5e-3, -50.05] as [Float], on: .cpu)
        #expect(try tolerance.disagreement(actual, expected) == nil)
        #expect(try tolerance.disagreement(.zeros([0]), .zeros([0])) == nil)
        #expect(try tolerance.disagreement(.zeros([3]), .zeros([3])) == nil)
    }

    @Test(arguments: Device.all) func theWorstElementIsNamed(device: Device) throws {
        let expected = try Tensor([100, 1e-3, -50] as [Float], on: device)
        let off = try Tensor([100, 1e-3, -51] as [Float], on: device)
        let problem = try #require(try tolerance.disagreement(off, expected))
        #expect(problem.contains("element 2 is -51.0, expected -50.0"))
    }

    /// A norm over all elements would miss this one.
    @Test func oneWrongElementAmongManyCounts() throws {
        let expected = try Tensor.ones([100_000])
        var values = [Float](repeating: 1, count: 100_000)
        values[77_777] = 1.01
        let problem = try #require(try tolerance.disagreement(Tensor(values), expected))
        #expect(problem.contains("element 77777"))
    }

    @Test(arguments: [Float.nan, .infinity]) func brokenNumbersNeverAgree(broken: Float) throws {
        let problem = try #require(try tolerance.disagreement(Tensor([1, broken, 1] as [Float]), .ones([3])))
        #expect(problem.contains("element 1"))
    }

    @Test func shapesMustMatch() throws {
        #expect(try tolerance.disagreement(.ones([2, 3]), .ones([3, 2])) != nil)
    }
}
