/// A stretch of a buffer, counted in elements of one size.
package struct BufferSlice: Sendable {
    package let buffer: Buffer
    package let byteOffset: Int
    package let byteCount: Int
    package let elementSize: Int

    package init(_ buffer: Buffer, byteOffset: Int = 0, byteCount: Int? = nil, elementSize: Int) {
        self.buffer = buffer
        self.byteOffset = byteOffset
        self.byteCount = byteCount ?? (buffer.byteCount - byteOffset)
        self.elementSize = elementSize
    }

    /// Where the slice begins in its device's memory object, in elements.
    package var elementOffset: Int { (Canary.byteCount + byteOffset) / elementSize }

    /// The slice without its first elements.
    package func advanced(by elements: Int) -> BufferSlice {
        BufferSlice(
            buffer, byteOffset: byteOffset + elements * elementSize, byteCount: byteCount - elements * elementSize,
            elementSize: elementSize)
    }
}
