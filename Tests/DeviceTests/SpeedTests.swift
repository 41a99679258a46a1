import Testing

@testable import LossKitDevice

struct SpeedTests {
    @Test(arguments: Device.all)
    func everyDeviceCopiesAndMultiplies(device: Device) throws {
        let speed = try device.measureSpeed(copiedBytes: 4_000_012, matrixSize: 64, repetitions: 3)
        #expect(speed.copyBytesPerSecond > 1e6)
        if let flops = speed.productFlopsPerSecond { #expect(flops > 1e5) }
        #expect((speed.productFlopsPerSecond == nil) == (speed.productLibrary == nil))
    }

    @Test func theDoctorNamesACommandForEveryProblem() throws {
        let findings = Doctor.findings()
        #expect(!findings.isEmpty)
        #expect(findings.allSatisfy { $0.isProblem == ($0.remedy != nil) })
        #expect(Doctor.cache("/proc/nowhere").first?.isProblem == true)
        let folder = try TemporaryFolder()
        #expect(Doctor.cache(folder.path).first?.isProblem == false)
    }
}
