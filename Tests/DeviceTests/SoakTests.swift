import LossKit
import LossKitTestSupport
import Testing

@testable import LossKitDevice

// In the suite of the faults, which runs one test at a time: both count the handles of one table.
extension FaultInjectionTests {
    /// A long run of steps keeps neither memory nor handles. `LOSSKIT_TEST_SOAK` says how many steps, with no other test at the same time.
    @Test
    func aSoakStaysFlat() throws {
        let asked = Environment.value("LOSSKIT_TEST_SOAK").flatMap { Int($0) }
        let steps = asked ?? 200
        let device = try #require(Device.devices(Device.discover(FaultInjection.table)).first)
        for device in [device, .cpu] {
            let step = try TrainingStep(on: device)
            for _ in 0..<20 { _ = try step.run() }
            BackgroundQueue.drain()
            let reference = try step.run()
            func holdings() -> [Int] {
                BackgroundQueue.drain()
                device.trim()
                // Other tests use the CPU at the same time.
                return device.isOpenCL ? FaultInjection.handles + [device.memory.live] : []
            }
            let (before, system, resident) = (holdings(), Self.systemHandles, Self.residentBytes)
            for _ in 0..<steps { #expect(try step.run() == reference) }
            #expect(holdings() == before)
            // Allocators and other tests breathe; a leak of one small buffer a step would not fit in a long soak.
            let growth = Self.residentBytes - resident
            #expect(growth < (asked == nil ? 256 : 32) << 20)
            // Threads that had nothing to do may have ended.
            let left = Self.systemHandles
            if asked != nil { #expect(zip(left, system).allSatisfy { $0 <= $1 }, "open files and threads: \(left), before \(system)") }
            let held = device.isOpenCL ? "\(before.dropLast().reduce(0, +)) handles as before, " : ""
            print("soak: \(device): \(steps) steps, \(held)resident memory \(growth >> 10) KiB more")
        }
    }

    /// Open files, and threads.
    private static var systemHandles: [Int] { ["fd", "task"].map { Files.names(in: "/proc/self/\($0)").count } }

    private static var residentBytes: Int {
        let fields = Files.read("/proc/self/statm").map { String(decoding: $0, as: UTF8.self).split(separator: " ") } ?? []
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
    }
}
