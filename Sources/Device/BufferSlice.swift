/// A typed stretch of a buffer.
package struct BufferSlice: Sendable {
}
