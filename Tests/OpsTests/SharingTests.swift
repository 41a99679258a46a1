import Foundation
import LossKit
import LossKitTestSupport
import Synchronization
import Testing

/// Memory shared with the rest of a program.
@Suite struct SharingTests {
    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    @Test func anArrayIsReadWhereItLies() throws {
        let values = (0..<100).map { Float($0) }
        let tensor = try Tensor(sharing: values, shape: [10, 10])
        let places = try values.withUnsafeBytes { mine in try tensor.withUnsafeBytes { (mine.baseAddress, $0.baseAddress) } }
        #expect(places.0 == places.1)
        #expect(try tensor.sum().scalar() == 4950)
        #expect(throws: TensorError.self) { try Tensor(sharing: values, shape: [3]) }
        #expect(try Tensor(sharing: [Float]()).count == 0)
    }

    @Test func aSharedArrayDoesNotSeeLaterChanges() throws {
        var values: [Int32] = [1, 2, 3]
        let tensor = try Tensor(sharing: values)
        values[0] = 99
        #expect(try tensor.array(of: Int32.self) == [1, 2, 3])
    }

    @Test func memoryIsReleasedWithTheLastViewOfIt() throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 64)
        defer { memory.deallocate() }
        for index in 0..<16 { memory.storeBytes(of: Float(index), toByteOffset: 4 * index, as: Float.self) }
        let released = Counter()
        do {
            var view: Tensor?
            do {
                let whole = try Tensor(borrowing: UnsafeRawBufferPointer(memory), shape: [4, 4], strides: [1, 4], dtype: .float32) {
                    released.value.add(1, ordering: .relaxed)
                }
                #expect(try whole.array(of: Float.self)[1] == 4)
                view = whole[1..<2]
            }
            #expect(released.value.load(ordering: .relaxed) == 0)
            #expect(try view?.array(of: Float.self) == [1, 5, 9, 13])
        }
        #expect(released.value.load(ordering: .relaxed) == 1)
    }

    @Test func misalignedMemoryIsCopied() throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 64)
        defer { memory.deallocate() }
        memory.storeBytes(of: Float(7), toByteOffset: 1, as: Float.self)
        let released = Counter()
        let tensor = try Tensor(borrowing: UnsafeRawBufferPointer(rebasing: memory[1..<5]), shape: [1], dtype: .float32) {
            released.value.add(1, ordering: .relaxed)
        }
        #expect(released.value.load(ordering: .relaxed) == 1)
        memory.storeBytes(of: Float(8), toByteOffset: 1, as: Float.self)
        #expect(try tensor.scalar() == 7)
    }

    @Test func elementsMustLieWithinTheBytes() throws {
        let bytes = UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: 4096), count: 16)
        func refuses(_ shape: [Int], _ strides: [Int]?, _ offset: Int) {
            #expect(throws: TensorError.self) {
                try Tensor(borrowing: bytes, shape: shape, strides: strides, offset: offset, dtype: .float32) {}
            }
        }
        refuses([5], nil, 0)
        refuses([2], [4], 0)
        refuses([2], [-1], 0)
        refuses([1], nil, 4)
        refuses([1], nil, -1)
        refuses([2, 2], [1], 0)
        refuses([3], [.max], 0)
    }

    @Test(arguments: Device.all) func spansGoInAndOut(device: Device) throws {
        let values: [Float] = [1, 2, 3, 4, 5, 6]
        let tensor = try Tensor(values.span, shape: [2, 3], on: device)
        let sum = try tensor.transposed().withSpan(of: Float.self) { span in (span.count, span[1], span[5]) }
        #expect(sum == (6, 4, 6))
        #expect(throws: TensorError.self) { try tensor.withSpan(of: Double.self) { $0.count } }
        var room = [Float](repeating: 0, count: 6)
        try room.withUnsafeMutableBytes { try tensor.copyBytes(to: $0) }
        #expect(room == values)
        #expect(throws: TensorError.self) { try room.withUnsafeMutableBytes { try tensor[0].copyBytes(to: $0) } }
    }

    @Test(arguments: Device.all) func dataGoesInAndOut(device: Device) throws {
        let data = Data([1, 2, 3, 250])
        let tensor = try data.withUnsafeBytes { try Tensor(bytes: $0, shape: [4], dtype: .uint8, on: device) }
        #expect(try tensor.withUnsafeBytes { Data($0) } == data)
    }
}
