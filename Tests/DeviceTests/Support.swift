import Testing

@testable import LossKitDevice

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// y[i] = factor * x[i] + y[i], the step that these tests launch.
enum Accumulate {
    static let source = KernelSource(
        name: "accumulate",
        generated: """
            kernel void accumulate(GLOBAL_IN(float, x), GLOBAL_OUT(float, y), const float factor, const long count) {
                AT_IN(float, x);
                AT_OUT(float, y);
                long i = get_global_id(0);
                if (i < count) y[i] += factor * x[i];
            }
            """)

    static func run(_ x: Buffer, into y: Buffer, factor: Float = 1, on device: Device) throws {
        let count = x.byteCount / 4
        let (x, y) = (BufferSlice(x, elementSize: 4), BufferSlice(y, elementSize: 4))
        try device.run(
            "accumulate", shape: [count], reads: [x], writes: [], updates: [y], bytes: 12 * count, flops: 2 * count,
            host: { pointers in
                let (x, y) = (pointers.read(0, as: Float.self), pointers.update(0, as: Float.self))
                for i in 0..<count { y[i] += factor * x[i] }
            },
            openCL: { encoder in
                try encoder.launch(
                    "accumulate", source: source, arguments: [.buffer(x), .buffer(y), .float(factor), .count(count)],
                    global: [count])
            })
    }
}

extension Buffer {
    convenience init(_ values: [Float], on device: Device) throws {
        try self.init(byteCount: values.count * 4, on: device)
        try values.withUnsafeBytes { try upload($0) }
    }

    func floats() throws -> [Float] {
        var values = [Float](repeating: .nan, count: byteCount / 4)
        try values.withUnsafeMutableBytes { try download(into: $0) }
        return values
    }
}

/// A folder that is gone after the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/losskit-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    deinit {
        for name in Files.names(in: path) { unlink(path + "/" + name) }
        rmdir(path)
    }
}
