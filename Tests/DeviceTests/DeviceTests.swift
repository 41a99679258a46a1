import Testing

@testable import LossKitDevice

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct DeviceTests {
    @Test func everyDeviceAnswersToItsNames() throws {
        #expect(try Device.named("cpu") == .cpu)
        #expect(Device.all.first == .cpu)
        for device in Device.all.dropFirst() {
            let number = try #require(device.label.split(separator: " ").first)
            #expect(try Device.named(String(number)) == device)
            #expect(try Device.named("opencl:" + device.name.lowercased().filter { $0 != ":" }).isOpenCL)
        }
        if let best = Device.all.dropFirst().first { #expect(try Device.named("opencl") == best) }
    }

    @Test(arguments: ["", "gpu", "cuda:0", "opencl:nothing of the kind", "opencl:99:0", "cpu:1", "opencl:::"])
    func unknownNamesSayWhatThereIs(request: String) {
        #expect {
            try Device.named(request)
        } throws: { error in
            let text = "\(error)"
            return text.contains("\"\(request)\"") && text.contains("cpu") && Device.all.allSatisfy { text.contains($0.label) }
                && !text.contains("\n")
        }
    }

    #if os(Linux)
    @Test func withoutAPlatformThereIsTheCPU() async {
        await #expect(processExitsWith: .success) {
            setenv("OCL_ICD_VENDORS", "/nonexistent", 1)
            guard Device.all == [.cpu], Device.default == .cpu else { exit(1) }
            do {
                _ = try Device.named("opencl")
                exit(2)
            } catch {
                guard "\(error)".contains("found cpu") else { exit(3) }
            }
            let sum = try Buffer([1, 2], on: .default)
            try Accumulate.run(sum, into: sum, on: .default)
            guard try sum.floats() == [2, 4] else { exit(4) }
        }
    }
    #endif

    @Test func twoRunsOfTheProcessFindTheSameDevices() {
        #expect(Device.all.map(\.label).count == Set(Device.all.map(\.label)).count)
    }
}
