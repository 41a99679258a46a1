import LossKitDevice
import LossKitKernels

extension Tensor {
    /// The array of a `.npy` file's bytes.
    init(numPy bytes: [UInt8], path: String, on device: Device) throws {
        let header = try NumPyHeader(bytes, path: path)
        let shape = header.isFortranOrder ? header.shape.reversed() : header.shape
        let tensor = try Tensor(bytes[header.dataStart...], of: header.element, shape: shape, path: path, on: device)
        self = header.isFortranOrder ? try tensor.transposed().packed() : tensor
    }

    /// The array of a file's elements, in row-major order.
    init(_ data: ArraySlice<UInt8>, of element: NumPyElement, shape: [Int], path: String, on device: Device) throws {
        guard let count = Shape.count(shape), case let (size, overflow) = count.multipliedReportingOverflow(by: element.byteCount),
            !overflow, data.count == size
        else {
            throw TensorError.file(path: path, problem: "expected data for \(element.kind) of shape \(shape), found \(data.count) bytes")
        }
        guard let values = element.decoded(data) else {
            throw TensorError.file(path: path, problem: "expected integers below 2^63, found a larger u8")
        }
        self = try values.withUnsafeBytes { try Tensor(bytes: $0, shape: shape, dtype: element.dtype, on: device) }
    }

    /// A `.npy` file's bytes: C order, little-endian; bfloat16, which NumPy lacks, as float32.
    func numPyBytes() throws -> [UInt8] {
        let tensor = dtype == .bfloat16 ? asType(.float32) : self
        return try tensor.rowMajorBytes(after: NumPyHeader.encoded(shape: shape, dtype: tensor.dtype))
    }

    /// The elements in row-major order and this machine's, behind other bytes.
    func rowMajorBytes(after lead: [UInt8] = []) throws -> [UInt8] {
        let source = try slice()
        var bytes = lead
        bytes.append(contentsOf: repeatElement(0, count: count * dtype.byteCount))
        try bytes.withUnsafeMutableBytes {
            try source.buffer.download(into: UnsafeMutableRawBufferPointer(rebasing: $0[lead.count...]), from: source.byteOffset)
        }
        return bytes
    }
}
