import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Every Swift type that a tensor is made of or read as.
@Suite struct ScalarTypeTests {
    private func roundTrips<S: TensorScalar>(_ values: [S], _ dtype: DType, on device: Device) throws {
        let tensor = try Tensor(values, on: device)
        #expect(tensor.dtype == dtype && tensor.shape == [values.count])
        let back = try tensor.array(of: S.self)
        // Bit for bit: NaN, the sign of zero and all.
        #expect(values.withUnsafeBytes { Array($0) } == back.withUnsafeBytes { Array($0) }, "\(S.self)")
        #expect(try Tensor(values[0], on: device).shape == [])
        #expect(try Tensor([values, values], on: device).shape == [2, values.count])
        let turned = try Tensor([values, values], on: device).transposed().array(of: S.self)
        #expect(turned.count == 2 * values.count)
        #expect(try Tensor([] as [S], on: device).array(of: S.self).isEmpty)
    }

    @Test(arguments: Device.all)
    func arraysOfEveryTypeRoundTrip(device: Device) throws {
        try roundTrips(
            [1.5, -0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude] as [Float], .float32, on: device)
        try roundTrips(
            [1.5, -0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude] as [Double], .float64, on: device)
        try roundTrips(
            [1.5, -0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude] as [Float16], .float16, on: device)
        try roundTrips([0, -1, .max, .min] as [Int32], .int32, on: device)
        try roundTrips([0, -1, .max, .min] as [Int64], .int64, on: device)
        try roundTrips([0, -1, .max, .min] as [Int], .int64, on: device)
        try roundTrips([0, 1, 127, 255] as [UInt8], .uint8, on: device)
        try roundTrips([true, false, true] as [TruthValue], .bool, on: device)
        let mask = try Tensor([true, false, true, true], shape: [2, 2], on: device)
        #expect(mask.dtype == .bool)
        #expect(try mask.transposed().booleans() == [true, true, false, true])
        #expect(throws: TensorError.self) { try Tensor([true], shape: [2], on: device) }
    }

    @Test(arguments: Device.all)
    func conversionsKeepWhatTheTargetHolds(device: Device) throws {
        let x = try Tensor([0, 1, 2.7, -3.9, 300, .nan, .infinity, -.infinity] as [Double], on: device)
        #expect(try x.asType(.int32).array(of: Int32.self) == [0, 1, 2, -3, 300, 0, .max, .min])
        #expect(try x.asType(.int64).array(of: Int64.self) == [0, 1, 2, -3, 300, 0, .max, .min])
        #expect(try Tensor([0, 1, 2.7, 255.9], on: device).asType(.uint8).array(of: UInt8.self) == [0, 1, 2, 255])
        #expect(try x.asType(.bool).booleans() == [false, true, true, true, true, true, true, true])
        for dtype in [DType.float16, .bfloat16, .float32] {
            let back = try x.asType(dtype).asType(.float64).array(of: Double.self)
            #expect(back[5].isNaN && back[6] == .infinity && back[7] == -.infinity && back[1] == 1)
        }
        #expect(try Tensor([-1, 256, 257], on: device).asType(.uint8).array(of: UInt8.self) == [255, 0, 1])
        #expect(try Tensor([Int.max, 1 << 40], on: device).asType(.int32).array(of: Int32.self) == [-1, 0])
        // Read as another type than stored: the same conversions.
        #expect(try x.array(of: Int.self) == [0, 1, 2, -3, 300, 0, .max, .min])
        #expect(try Tensor([Int.max], on: device).array(of: Int.self) == [.max])
    }

    @Test(arguments: Device.all)
    func rampsAreRoundedOnce(device: Device) throws {
        for dtype in DType.allCases where dtype != .bool {
            let values = try Tensor.arange(1, to: 9, by: 2, dtype: dtype, on: device)
            #expect(values.dtype == dtype)
            try expectClose(values, [1, 3, 5, 7], tolerance: 0, "\(dtype)")
        }
        #expect(try Tensor.arange(5, to: 0, by: -2, on: device).array(of: Int.self) == [5, 3, 1])
        #expect(try Tensor.arange(5, to: 0, on: device).shape == [0])
        #expect(
            try Tensor.arange(0, to: 1, by: 0.1, dtype: .float64, on: device).array(of: Double.self) == (0..<10).map { Double($0) * 0.1 })
        #expect(try Tensor.linspace(-1, 2, count: 4, on: device).array(of: Float.self) == [-1, 0, 1, 2])
        #expect(try Tensor.linspace(3, 9, count: 1, on: device).array(of: Float.self) == [3])
        #expect(try Tensor.eye(2, dtype: .int64, on: device).array(of: Int.self) == [1, 0, 0, 1])
    }
}
