import LossKitDevice
import LossKitKernels

extension Tensor {
    /// Reads a NumPy `.npy` file: any of its versions, C or Fortran order, either byte order.
    ///
    /// f2, f4, f8, i4, i8, u1 and b1 keep their type; i1, i2 and u2 become int32, u4 and u8 int64.
    /// - Throws: ``TensorError/file(path:problem:)`` where the file is missing, truncated or of another kind, or a u8 exceeds int64.
    public static func load(_ path: String, on device: Device = .default) throws -> Tensor {
        let bytes = try FileBytes.read(path)
        let header = try NumPyHeader(bytes, path: path)
        let element = header.element
        guard let count = Shape.count(header.shape), case let (size, overflow) = count.multipliedReportingOverflow(by: element.byteCount),
            !overflow, bytes.count - header.dataStart == size
        else {
            throw TensorError.file(
                path: path,
                problem: "expected data for \(element.kind) of shape \(header.shape), found \(bytes.count - header.dataStart) bytes")
        }
        guard let data = element.decoded(bytes[header.dataStart...]) else {
            throw TensorError.file(path: path, problem: "expected integers below 2^63, found a larger u8")
        }
        let shape = header.isFortranOrder ? header.shape.reversed() : header.shape
        let tensor = try data.withUnsafeBytes { try Tensor(bytes: $0, shape: Array(shape), dtype: element.dtype, on: device) }
        return header.isFortranOrder ? try tensor.transposed().packed() : tensor
    }

    /// Writes a NumPy `.npy` file in C order and little-endian; bfloat16, which NumPy lacks, is written as float32.
    ///
    /// - Throws: ``TensorError/file(path:problem:)`` where the file cannot be written.
    public func save(_ path: String) throws {
        let tensor = dtype == .bfloat16 ? asType(.float32) : self
        let source = try tensor.slice()
        var bytes = NumPyHeader.encoded(shape: shape, dtype: tensor.dtype)
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: count * tensor.dtype.byteCount))
        try bytes.withUnsafeMutableBytes {
            try source.buffer.download(into: UnsafeMutableRawBufferPointer(rebasing: $0[start...]), from: source.byteOffset)
        }
        try FileBytes.write(bytes, to: path)
    }
}
