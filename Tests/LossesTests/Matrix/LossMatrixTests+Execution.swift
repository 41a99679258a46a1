import Foundation
import LossKit
import LossKitKernels
@testable import LossKitOracles
import LossKitTestSupport
import Testing

extension LossMatrixTests {
    /// Operations one by one, interpreted together and compiled together: the same bits. Compiling takes long, so that by default few are.
    @Test(arguments: Device.all, TestShare.of(names, every: 2))
    func everyWayToRunGivesTheSameBits(device: Device, name: String) throws {
        let given = LossCase.standard(name)
        let tensors = try given.tensors(given.draw(seed: 47), on: device)
        let compiles = device.isOpenCL && (Self.names.firstIndex(of: name) ?? 0) % (TestShare.isWhole ? 6 : 48) == 0
        let modes: [Fusion] = [.off, .interpret] + (compiles ? [.compile] : [])
        let results = try modes.map { mode in try Fusion.$mode.withValue(mode) { try given.bits(tensors) } }
        for (mode, result) in zip(modes, results) {
            for (part, bits) in result {
                #expect(bits == results[0][part], "\(given.testDescription), \(part): \(mode) differs from \(modes[0])")
            }
        }
    }

    /// Leading axes in place of the batch's one are refused, or are the batch: up to rank 6, and of rank 0 for one row.
    @Test(arguments: Device.all, TestShare.of(names, every: 2, from: 1))
    func leadingAxesAreABatchOrRefused(device: Device, name: String) throws {
        for leading in [[], [24], [2, 12], [2, 3, 4], [2, 2, 3, 2], [1, 2, 2, 3, 2], [2, 1, 2, 3, 2, 1]] as [[Int]] {
            let given = LossCase.standard(name, n: leading.reduce(1, *), reduction: .sum)
            let inputs = try given.loss().inputs
            let batched = inputs.filter { $0.shape.contains("n") }
            guard batched.allSatisfy({ $0.shape.first == "n" && !$0.shape.dropFirst().contains("n") }), !batched.isEmpty else { return }
            let tensors = try given.tensors(given.draw(seed: 53), on: device)
            var reshaped = tensors
            for input in batched {
                guard let tensor = tensors[input.name] else { continue }
                reshaped[input.name] = try tensor.reshaped(leading + tensor.shape.dropFirst())
            }
            guard let expected = try? given.evaluate(tensors).array(of: Double.self) else { continue }
            do {
                let actual = try given.evaluate(reshaped).array(of: Double.self)
                expectClose(actual, expected, tolerance: 4e-6, "\(given.testDescription) of leading axes \(leading)")
            } catch {
                #expect(error is TensorError && leading.count != 1, "\(given.testDescription) of leading axes \(leading): \(error)")
            }
        }
    }

    private static func printBits() throws {
        for name in names {
            let given = LossCase.standard(name, n: LossOracle.named(name)?.larger)
            let bits = try given.bits(given.tensors(given.draw(seed: 59), on: .cpu))
            PrintedBits.print(name, bits.sorted { $0.key < $1.key }.flatMap(\.value))
        }
    }

    /// How many threads work is chosen once a process, so each number of them runs in its own.
    @Test func threadsDoNotChangeABit() async throws {
        let one = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            setenv("LOSSKIT_THREADS", "1", 1)
            try Self.printBits()
        }
        let many = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            setenv("LOSSKIT_THREADS", "5", 1)
            try Self.printBits()
        }
        let (first, second) = (PrintedBits.lines(one.standardOutputContent), PrintedBits.lines(many.standardOutputContent))
        #expect(first.count == Self.names.count && first.count == second.count)
        for (a, b) in zip(first, second) where a != b { Issue.record("one thread: \(a), five: \(b)") }
    }
}
