import CLossKit
import LossKit
import LossKitTestSupport
import Synchronization
import Testing

/// Counts how often a producer's deleter ran.
private let deletions = Atomic<Int>(0)

@Suite(.serialized) struct DLPackTests {
    /// A producer's tensor of float32 values 0, 1, ... with its own memory.
    private func produce(
        count: Int, shape: [Int64], strides: [Int64]?, byteOffset: Int = 0, code: UInt8 = 2, bits: UInt8 = 32, device: Int32 = 1
    ) -> UnsafeMutablePointer<DLManagedTensor> {
        let data = UnsafeMutablePointer<Float>.allocate(capacity: count)
        for index in 0..<count { data[index] = Float(index) }
        let extents = UnsafeMutablePointer<Int64>.allocate(capacity: 2 * shape.count + 1)
        for (axis, extent) in (shape + (strides ?? [])).enumerated() { extents[axis] = extent }
        let managed = UnsafeMutablePointer<DLManagedTensor>.allocate(capacity: 1)
        managed.initialize(
            to: DLManagedTensor(
                dl_tensor: DLTensor(
                    data: data, device: DLDevice(device_type: device, device_id: 0), ndim: Int32(shape.count),
                    dtype: DLDataType(code: code, bits: bits, lanes: 1), shape: extents,
                    strides: strides.map { _ in extents + shape.count }, byte_offset: UInt64(byteOffset)), manager_ctx: nil
            ) { managed in
                managed?.pointee.dl_tensor.data?.deallocate()
                managed?.pointee.dl_tensor.shape?.deallocate()
                managed?.deallocate()
                deletions.add(1, ordering: .relaxed)
            })
        return managed
    }

    @Test(arguments: C.devices) func stridedMemoryIsReadWhereItLies(device: String) throws {
        let before = deletions.load(ordering: .relaxed)
        // A transposed [3, 2] block that starts two elements in.
        let managed = produce(count: 8, shape: [2, 3], strides: [1, 2], byteOffset: 8)
        var tensor: OpaquePointer?
        try C.expectOK(losskit_tensor_from_dlpack(managed, device, &tensor))
        #expect(try C.floats(tensor) == [2, 4, 6, 3, 5, 7])
        losskit_tensor_free(tensor)
        #expect(deletions.load(ordering: .relaxed) == before + 1)
    }

    @Test func theProducersMemoryIsNotCopiedOnTheCPU() throws {
        let managed = produce(count: 4, shape: [4], strides: nil)
        let data = try #require(managed.pointee.dl_tensor.data)
        let before = deletions.load(ordering: .relaxed)
        var (tensor, lent): (OpaquePointer?, UnsafeMutablePointer<DLManagedTensorVersioned>?) = (nil, nil)
        try C.expectOK(losskit_tensor_from_dlpack(managed, "cpu", &tensor))
        try C.expectOK(losskit_tensor_to_dlpack_versioned(tensor, &lent))
        losskit_tensor_free(tensor)
        let given = try #require(lent)
        #expect(given.pointee.dl_tensor.data == data && given.pointee.version.major == 1 && given.pointee.flags & 1 == 1)
        #expect(deletions.load(ordering: .relaxed) == before, "what was given away still reads the memory")
        given.pointee.deleter(given)
        #expect(deletions.load(ordering: .relaxed) == before + 1)
    }

    @Test func negativeStridesReadBackwards() throws {
        let managed = produce(count: 4, shape: [4], strides: [-1], byteOffset: 12)
        var tensor: OpaquePointer?
        try C.expectOK(losskit_tensor_from_dlpack(managed, "cpu", &tensor))
        #expect(try C.floats(tensor) == [3, 2, 1, 0])
        losskit_tensor_free(tensor)
    }

    @Test(arguments: C.devices) func tensorsGoOutAndComeBack(device: String) throws {
        let values: [Float] = [1, 2, 3, 4, 5, 6]
        let tensor = try C.tensor(values, [3, 2], on: device)
        var managed: UnsafeMutablePointer<DLManagedTensor>?
        try C.expectOK(losskit_tensor_to_dlpack(tensor, &managed))
        losskit_tensor_free(tensor)
        let given = try #require(managed)
        let description = given.pointee.dl_tensor
        #expect(description.ndim == 2 && description.shape[0] == 3 && description.strides[0] == 2 && description.dtype.bits == 32)
        // Whatever device it was on: an OpenCL buffer has no address to give away.
        #expect(description.device.device_type == 1 && description.data != nil)
        var back: OpaquePointer?
        try C.expectOK(losskit_tensor_from_dlpack(given, device, &back))
        #expect(try C.floats(back) == values)
        losskit_tensor_free(back)
    }

    @Test func emptyTensorsAndScalarsPass() throws {
        for (shape, count) in [([0, 3], 0), ([], 1)] as [([Int64], Int)] {
            var tensor: OpaquePointer?
            try C.expectOK(losskit_tensor_from_dlpack(produce(count: 1, shape: shape, strides: nil), "cpu", &tensor))
            #expect(try C.floats(tensor).count == count)
            losskit_tensor_free(tensor)
        }
    }

    @Test func whatDoesNotFitStaysWithItsOwner() throws {
        let before = deletions.load(ordering: .relaxed)
        var tensor: OpaquePointer?
        for (managed, text) in [
            (produce(count: 1, shape: [1], strides: nil, code: 5, bits: 64), "code 5"),
            (produce(count: 1, shape: [1], strides: nil, device: 2), "device 2 (CUDA)"),
            (produce(count: 1, shape: [1], strides: nil, device: 4), "device 4 (OpenCL); copy it to the host first"),
            (produce(count: 1, shape: [-1], strides: nil), "[-1]"),
            (produce(count: 1, shape: [2], strides: [.max]), "strides"),
            (produce(count: 1, shape: [2], strides: [.min]), "strides"),
            (produce(count: 1, shape: [1], strides: nil, byteOffset: .max), "offset"),
        ] {
            #expect(Int(losskit_tensor_from_dlpack(managed, "cpu", &tensor)) == LOSSKIT_BAD_INPUT)
            #expect(String(cString: losskit_last_error()).contains(text), "\(String(cString: losskit_last_error()))")
            #expect(deletions.load(ordering: .relaxed) == before && tensor == nil)
            managed.pointee.dl_tensor.data.deallocate()
            managed.pointee.dl_tensor.shape.deallocate()
            managed.deallocate()
        }
        #expect(Int(losskit_tensor_from_dlpack(nil, "cpu", &tensor)) == LOSSKIT_BAD_INPUT)
        #expect(Int(losskit_tensor_to_dlpack(nil, nil)) == LOSSKIT_BAD_INPUT)
    }
}
