import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct NumPyFileTests {
    private let path = "/tmp/losskit-test-\(UInt64.random(in: 0 ... .max)).npy"

    /// A file as NumPy writes it, with the header padded to a multiple of 64 bytes.
    private func file(_ descr: String, fortran: Bool = false, _ shape: String, version: UInt8 = 1, _ data: [UInt8]) -> [UInt8] {
        var text = "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }"
        let lead = version == 1 ? 10 : 12
        text += String(repeating: " ", count: (64 - (lead + text.utf8.count + 1) % 64) % 64) + "\n"
        let length = [UInt8(text.utf8.count & 0xFF), UInt8(text.utf8.count >> 8)] + (version == 1 ? [] : [0, 0])
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(text.utf8) + data
    }

    private func read(_ bytes: [UInt8], on device: Device = .cpu) throws -> Tensor {
        try FileBytes.write(bytes, to: path)
        return try Tensor.load(path, on: device)
    }

    /// Bytes of integers, in either order.
    private func bytes<T: FixedWidthInteger>(_ values: [T], bigEndian: Bool) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: bigEndian ? value.bigEndian : value.littleEndian) { Array($0) } }
    }

    @Test(arguments: Device.all)
    func bothByteOrdersAndFortranOrder(device: Device) throws {
        let values = [1.5, -2, 0.25, 1024, -0.0625, 3]
        for (order, isBig) in [("<", false), (">", true)] {
            let files: [(String, [UInt8], DType)] = [
                ("f2", bytes(values.map { Float16($0).bitPattern }, bigEndian: isBig), .float16),
                ("f4", bytes(values.map { Float($0).bitPattern }, bigEndian: isBig), .float32),
                ("f8", bytes(values.map(\.bitPattern), bigEndian: isBig), .float64),
            ]
            for (kind, data, dtype) in files {
                let rows = try read(file(order + kind, "(2, 3)", data), on: device)
                #expect(rows.dtype == dtype && rows.shape == [2, 3] && rows.device == device)
                try expectClose(rows, values, tolerance: 0, order + kind)
                // In Fortran order the first index runs fastest.
                let columns = try read(file(order + kind, fortran: true, "(2, 3)", version: 2, data), on: device)
                #expect(columns.shape == [2, 3] && columns.isContiguous)
                try expectClose(columns, [1.5, 0.25, -0.0625, -2, 1024, 3], tolerance: 0, "Fortran " + order + kind)
            }
        }
    }

    @Test func everyIntegerTypeIsRead() throws {
        let small = [-3, 0, 127]
        for (order, isBig) in [("<", false), (">", true)] {
            let files: [(String, [UInt8], [Int], DType)] = [
                ("i1", bytes(small.map(Int8.init), bigEndian: isBig), small, .int32),
                ("i2", bytes([-30000, 0, 127].map(Int16.init), bigEndian: isBig), [-30000, 0, 127], .int32),
                ("i4", bytes([Int32.min, 5, .max], bigEndian: isBig), [Int(Int32.min), 5, Int(Int32.max)], .int32),
                ("i8", bytes([Int64.min, 5, .max], bigEndian: isBig), [Int.min, 5, .max], .int64),
                ("u1", [0, 7, 255], [0, 7, 255], .uint8), ("u2", bytes([0, 7, UInt16.max], bigEndian: isBig), [0, 7, 65535], .int32),
                ("u4", bytes([0, 7, UInt32.max], bigEndian: isBig), [0, 7, Int(UInt32.max)], .int64),
                ("u8", bytes([0, 7, UInt64.max >> 1], bigEndian: isBig), [0, 7, .max], .int64),
            ]
            for (kind, data, expected, dtype) in files {
                let tensor = try read(file(order + kind, "(3,)", data))
                #expect(tensor.dtype == dtype, "\(kind)")
                #expect(try tensor.array(of: Int.self) == expected, "\(order)\(kind)")
            }
        }
        #expect(try read(file("|b1", "(3,)", [0, 1, 7])).booleans() == [false, true, true])
        #expect(try read(file("<f4", "()", bytes([Float(2.5).bitPattern], bigEndian: false))).scalar() == 2.5)
        #expect(try read(file("<f4", "(0, 3)", [])).shape == [0, 3])
    }

    @Test func whatIsNotReadableIsSaidSo() throws {
        func problem(_ bytes: [UInt8]) -> String {
            do { _ = try read(bytes) } catch { return "\(error)" }
            return ""
        }
        let data = bytes([1, 2, 3] as [Int32], bigEndian: false)
        #expect(problem(file("<i4", "(4,)", data)).contains("expected data for i4 of shape [4], found 12 bytes"))
        #expect(problem(file("<c8", "(3,)", data)).contains("not one of f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, b1"))
        #expect(problem(file("O", "(3,)", data)).contains("an element type"))
        #expect(problem(file("<i4", "(-3,)", data)).contains("its shape is"))
        #expect(problem(file("<i4", "(9223372036854775807, 9)", data)).contains("expected data for i4"))
        #expect(problem(Array(file("<i4", "(3,)", data).prefix(40))).contains("header is truncated"))
        #expect(problem(file("<u8", "(1,)", bytes([UInt64.max], bigEndian: false))).contains("expected integers below 2^63"))
        #expect(problem(file("<i4", "(3,)", version: 9, data)).contains("version 9"))
        #expect(throws: TensorError.self) { try Tensor.zeros([2], on: .cpu).save("/nowhere/x.npy") }
        #expect(throws: TensorError.self) { try Tensor.load("/tmp") }
    }

    @Test(arguments: Device.all)
    func viewsAreWrittenInTheirOwnOrder(device: Device) throws {
        let x = try Tensor((0..<12).map(Float.init), shape: [3, 4], on: device)
        for view in [try x.transposed(), try x.slice(axis: 1, step: -2), try x[1].broadcast(to: [2, 4]), x[0..<0]] {
            try view.save(path)
            let back = try Tensor.load(path, on: .cpu)
            #expect(back.shape == view.shape)
            try expectClose(back, view.array(), tolerance: 0)
        }
        let half = x.asType(.bfloat16)
        try half.save(path)
        #expect(try Tensor.load(path, on: device).dtype == .float32)
    }

    /// Whatever stands in a file, reading it gives a tensor or an error.
    @Test func damagedFilesNeverTrap() throws {
        var random = SplitMix64(seed: 41)
        let whole = file("<f4", "(2, 3)", bytes((0..<6).map { Float($0).bitPattern }, bigEndian: false))
        let pieces = [
            "9223372036854775807", "-1", "(", ")", ",", "'", "0", "18446744073709551616", "'descr'", "True", "{", "\0", "u8", ">",
        ]
        var answered = 0
        for _ in 0..<1000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<min(bytes.count, 90), using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: (pieces.randomElement(using: &random) ?? "").utf8, at: place)
                default: bytes.removeLast(min(bytes.count - 90, Int.random(in: 0...8, using: &random)))
                }
                if bytes.count < 100 { break }
            }
            do {
                let tensor = try read(bytes)
                #expect(try tensor.array(of: Double.self).count == tensor.count)
            } catch is TensorError {
                answered += 1
            }
        }
        #expect(answered > 300)
    }
}
