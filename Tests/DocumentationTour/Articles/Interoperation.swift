// Made of Sources/LossKit/LossKit.docc/Articles/Interoperation.md by scripts/snippets.

import LossKit

extension Articles {
    static func interoperation() throws {
        let values: [Float] = [1, 2, 3, 4, 5, 6]
        let shared = try Tensor(sharing: values, shape: [2, 3])
        print(try shared.sum().scalar())
        let last = try shared.withSpan(of: Float.self) { span in span[5] }
        let bytes = try shared.withUnsafeBytes { $0.count }
        print(last, bytes)

        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 24, alignment: 64)
        memory.initializeMemory(as: Float.self, repeating: 2)
        let address = UInt(bitPattern: memory.baseAddress)
        do {
            let borrowed = try Tensor(borrowing: UnsafeRawBufferPointer(memory), shape: [3, 2], strides: [1, 3], dtype: .float32) {
                UnsafeMutableRawPointer(bitPattern: address)?.deallocate()
            }
            print(try borrowed.mean().scalar())
        }

        try saveArrays(["points": shared], to: "points.npz")
        print(try Tensor.load("points.npz:points").shape)
    }
}
