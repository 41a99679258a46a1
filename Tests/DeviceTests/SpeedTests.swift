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

    /// On a CPU, compiling CLBlast's kernels takes half a minute for what is never used there.
    static let blastDevices = Device.all.filter { $0.kind == .gpu || $0.isOpenCL && Environment.value("LOSSKIT_TEST_CLBLAST") != nil }

    @Test(.enabled(if: CLBlast.isAvailable), arguments: blastDevices, [1, 3])
    func productsByCLBlast(device: Device, batch: Int) throws {
        let (m, n, k) = (5, 7, 3)
        let a = (0..<batch * m * k).map { Float($0 % 11) - 5 }
        let b = (0..<batch * k * n).map { Float($0 % 13) - 6 }
        let x = BufferSlice(try Buffer(a, on: device), elementSize: 4)
        let y = BufferSlice(try Buffer(b, on: device), elementSize: 4)
        let z = BufferSlice(try Buffer([Float](repeating: .nan, count: batch * m * n), on: device), elementSize: 4)
        // A is stored transposed, k rows of m.
        try device.run("product", shape: [batch, m, n, k], reads: [x, y], writes: [z], bytes: 0, host: { _ in }) { encoder in
            try encoder.multiply(
                MatrixSlice(x, leadingDimension: m, batchStride: m * k, isTransposed: true),
                MatrixSlice(y, leadingDimension: n, batchStride: k * n), into: MatrixSlice(z, leadingDimension: n, batchStride: m * n),
                m: m, n: n, k: k, batch: batch)
        }
        let result = try z.buffer.floats()
        for p in 0..<batch {
            for i in 0..<m {
                for j in 0..<n {
                    let expected = (0..<k).reduce(Float(0)) { $0 + a[p * m * k + $1 * m + i] * b[p * k * n + $1 * n + j] }
                    #expect(result[p * m * n + i * n + j] == expected)
                }
            }
        }
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
