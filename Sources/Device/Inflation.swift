import CLossKitOpenCL

/// Deflated bytes unpacked, by zlib where it is installed.
package enum Inflation {
    /// Whether zlib was found.
    package static var isAvailable: Bool { losskit_zlib_is_available() != 0 }

    /// Deflate packs no more bytes than this into one, so that a damaged size cannot ask for all memory.
    private static let highestRatio = 1032

    /// Raw deflated bytes, which must unpack to exactly `size`; nil where they do not.
    package static func inflated(_ packed: ArraySlice<UInt8>, to size: Int) -> [UInt8]? {
        guard size >= 0, size / highestRatio <= packed.count else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        // zlib takes no null addresses, not even for nothing.
        guard size > 0 else { return bytes }
        let isWhole = packed.withUnsafeBufferPointer { packed in
            bytes.withUnsafeMutableBufferPointer { losskit_zlib_inflate(packed.baseAddress, packed.count, $0.baseAddress, size) != 0 }
        }
        return isWhole ? bytes : nil
    }
}
