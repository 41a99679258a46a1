import LossKit
import Testing

@testable import LossKitDevice

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct ObservationTests {
    /// Observing is for the whole process, so that each test has a process of its own.
    @Test func aTraceNamesEveryStep() async {
        await #expect(processExitsWith: .success) {
            Profiler.startTrace()
            for device in Device.all {
                let sum = try Buffer([1, 2], on: device)
                try Accumulate.run(sum, into: try Buffer([1, 2], on: device), on: device)
            }
            let trace = Profiler.stopTrace()
            try Accumulate.run(try Buffer([1], on: .cpu), into: try Buffer([1], on: .cpu), on: .cpu)
            guard trace.hasPrefix(#"{"displayTimeUnit":"ms","traceEvents":["#), trace.hasSuffix("]}\n") else { exit(1) }
            guard trace.split(separator: "\n").filter({ $0.contains("\"name\":\"accumulate\"") }).count == Device.all.count else { exit(2) }
            guard trace.contains("\"shape\":\"[2]\""), Device.all.allSatisfy({ trace.contains($0.name) }) else { exit(3) }
        }
    }

    @Test func eachStepIsPrinted() async throws {
        let result = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            setenv("LOSSKIT_DEBUG", "1", 1)
            let sum = try Buffer([1, 2], on: .cpu)
            try Accumulate.run(sum, into: sum, on: .cpu)
        }
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(text.contains("accumulate [2] on CPU: ") && text.contains(" GB/s, ") && text.contains(" GFLOP/s"))
    }

    #if os(Linux)
    @Test(.enabled(if: Device.all.contains(where: \.isOpenCL)))
    func validationFindsAKernelThatIsWrong() async {
        await #expect(processExitsWith: .success) {
            setenv("LOSSKIT_DEBUG", "validate", 1)
            guard let device = Device.all.first(where: \.isOpenCL) else { exit(1) }
            let sum = try Buffer([1, 2, 3], on: device)
            try Accumulate.run(try Buffer([1, 1, 1], on: device), into: sum, on: device)
            guard try sum.floats() == [2, 3, 4] else { exit(2) }
            let slice = BufferSlice(sum, elementSize: 4)
            do {
                try device.run(
                    "wrong", shape: [3], reads: [], writes: [], updates: [slice], bytes: 24,
                    host: { $0.update(0, as: Float.self)[1] = 7 }, openCL: { _ in })
                exit(3)
            } catch DeviceError.validationFailed(let kernel, let output, let element, let expected, let actual) {
                guard (kernel, output, element) == ("wrong", 0, 1), (expected, actual) == (7, 3) else { exit(4) }
            }
        }
    }

    /// Views that begin at their buffer's end, overlapping slices of one buffer, and a step whose result is not in memory.
    @Test(.enabled(if: Device.all.contains(where: \.isOpenCL)))
    func validationFollowsViewsAndResults() async {
        await #expect(processExitsWith: .success) {
            setenv("LOSSKIT_DEBUG", "validate", 1)
            guard let device = Device.all.first(where: \.isOpenCL) else { exit(1) }
            let x = try Tensor((0..<12).map { Float($0 * $0) }, shape: [4, 3], on: device)
            let backwards = try x.flipped(axes: [0, 1]).exp().array(of: Float.self)
            guard backwards.first?.isInfinite == true, backwards.last == 1 else { exit(2) }
            guard try x.flipped(axes: [0])[1..<3].matmul(x.transposed().flipped()).shape == [2, 4] else { exit(3) }
            guard try minimumSpanningTree(x).edges.array(of: Int.self) == [0, 1, 1, 2, 2, 3] else { exit(4) }
            let slice = BufferSlice(try Buffer([1, 2, 3], on: device), elementSize: 4)
            do {
                let _: [Int] = try device.run(
                    "wrong", shape: [3], reads: [slice.advanced(by: 1)], bytes: 12, numbers: { $0.map(Double.init) },
                    host: { [5, Int($0.read(0, as: Float.self)[-1]) + Int($0.read(0, as: Float.self)[1])] }, openCL: { _ in [5, 7] })
                exit(5)
            } catch DeviceError.validationFailed(let kernel, let output, let element, let expected, let actual) {
                guard (kernel, output, element) == ("wrong", 0, 1), (expected, actual) == (4, 7) else { exit(6) }
            }
        }
    }
    #endif

    @Test func decimals() {
        #expect(Decimal.text(1.005, digits: 1) == "1.0")
        #expect(Decimal.text(-0.06, digits: 1) == "-0.1")
        #expect(Decimal.text(12, digits: 0) == "12")
        #expect(Decimal.text(3.14159, digits: 3) == "3.142")
        #expect(Decimal.text(.nan, digits: 3) == "0")
    }
}
