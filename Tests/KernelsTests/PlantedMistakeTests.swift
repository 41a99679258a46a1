import CLossKitHost
import Dispatch
import Testing

@testable import LossKitDevice

/// Mistakes that scripts/trust/sanitizers makes on purpose, to see that its sanitizers find them. `LOSSKIT_TEST_PLANT` names one; without it
/// nothing runs.
@Suite(.enabled(if: Environment.value("LOSSKIT_TEST_PLANT") != nil))
struct PlantedMistakeTests {
    @Test func aMistakeIsMade() throws {
        let count = 1 << 18
        // Handed over as a number, since nothing here is promised to be safe.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * count, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 4 * count)
        defer { memory.deallocate() }
        let address = UInt(bitPattern: memory)
        switch try #require(Environment.value("LOSSKIT_TEST_PLANT")) {
        case "overrun": losskit_scale(Self.floats(address), 0, Int64(count) + 1, 2)
        case "misaligned": losskit_scale(Self.floats(address + 1), 0, Int64(count) - 1, 2)
        case "race": DispatchQueue.concurrentPerform(iterations: 100) { _ in losskit_scale(Self.floats(address), 0, Int64(count), 2) }
        case "leak": for size in 100..<200 { Self.loseMemory(size) }
        case let other: Issue.record("there is no mistake called \(other)")
        }
    }

    private static func floats(_ address: UInt) -> UnsafeMutablePointer<Float>? { UnsafeMutablePointer(bitPattern: address) }

    @inline(never)
    private static func loseMemory(_ size: Int) {
        UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8).storeBytes(of: 7, as: Int.self)
    }
}
