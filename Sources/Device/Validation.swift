/// Runs a step again on the CPU, on copies of what it was given, and compares what comes out.
struct Validation {
    private let name: String
    private let results: [BufferSlice]
    private let pointers: HostPointers

    /// Copies what the step will read, before it runs; what it writes too, since a step need not write all of it.
    init(name: String, reads: [BufferSlice], writes: [BufferSlice], updates: [BufferSlice]) throws {
        self.name = name
        results = writes + updates
        // One copy for each buffer: slices that share memory go on sharing it.
        var copies: [ObjectIdentifier: Buffer] = [:]
        func copied(_ slice: BufferSlice) throws -> BufferSlice {
            let copy = try copies[ObjectIdentifier(slice.buffer)] ?? Self.copied(slice.buffer)
            copies[ObjectIdentifier(slice.buffer)] = copy
            return BufferSlice(copy, byteOffset: slice.byteOffset, byteCount: slice.byteCount, elementSize: slice.elementSize)
        }
        pointers = HostPointers(reads: try reads.map(copied), writes: try writes.map(copied), updates: try updates.map(copied))
    }

    /// Runs the step on the CPU and compares the memory that it writes, and the numbers that stand for the result it gives.
    ///
    /// - Throws: ``DeviceError/validationFailed(kernel:output:element:expected:actual:)`` for the first element that differs.
    func check<Result>(_ result: Result, numbers: (Result) -> [Double], host: (HostPointers) throws -> Result) throws {
        let expected = numbers(try host(pointers))
        for (index, (actual, expected)) in zip(results, pointers.writes + pointers.updates).enumerated() {
            let found = BufferSlice(try Self.copied(actual.buffer), elementSize: actual.elementSize)
            if let difference = Self.difference(expected, found, given: pointers.reads + pointers.updates) {
                throw failure(index, difference)
            }
        }
        let actual = numbers(result)
        guard expected.count == actual.count else {
            throw failure(results.count, (min(expected.count, actual.count), Double(expected.count), Double(actual.count)))
        }
        if let element = expected.indices.first(where: { expected[$0] != actual[$0] }) {
            throw failure(results.count, (element, expected[element], actual[element]))
        }
    }

    private func failure(_ output: Int, _ difference: Difference) -> DeviceError {
        .validationFailed(
            kernel: name, output: output, element: difference.element, expected: difference.expected, actual: difference.actual)
    }

    /// All of a buffer: a view that runs backwards is read before its offset.
    private static func copied(_ buffer: Buffer) throws -> Buffer {
        let copy = try Buffer(byteCount: buffer.byteCount, on: .cpu)
        if let pointer = copy.hostPointer {
            try buffer.download(into: UnsafeMutableRawBufferPointer(start: pointer, count: buffer.byteCount))
        }
        return copy
    }

    private typealias Difference = (element: Int, expected: Double, actual: Double)

    /// Compares whole buffers. A buffer does not know its type, only the size of its elements: equal bytes are equal, others are compared as floating-point numbers
    /// unless they can only be integers.
    private static func difference(_ expected: BufferSlice, _ actual: BufferSlice, given: [BufferSlice]) -> Difference? {
        guard let first = expected.buffer.hostPointer, let second = actual.buffer.hostPointer else { return nil }
        let count = expected.buffer.byteCount / expected.elementSize
        switch expected.elementSize {
        case 4:
            let (a, b) = (first.assumingMemoryBound(to: Float.self), second.assumingMemoryBound(to: Float.self))
            let inputs = largest(Float.self, in: given)
            return firstDifference(count, 1e-4, 1e-5, 1e-6 * inputs, { Double(a[$0]) }, { Double(b[$0]) }) {
                a[$0].bitPattern == b[$0].bitPattern
            }
        case 8:
            let (a, b) = (first.assumingMemoryBound(to: Double.self), second.assumingMemoryBound(to: Double.self))
            let inputs = largest(Double.self, in: given)
            return firstDifference(count, 1e-7, 1e-9, 1e-14 * inputs, { a[$0] }, { b[$0] }) { a[$0].bitPattern == b[$0].bitPattern }
        case 2:
            let (a, b) = (first.assumingMemoryBound(to: UInt16.self), second.assumingMemoryBound(to: UInt16.self))
            // Codes of both 16-bit formats grow with the magnitude: a few codes apart is a few roundings apart.
            return (0..<count).first { abs(Int(a[$0]) - Int(b[$0])) > 4 && (a[$0] | b[$0]) & 0x7FFF != 0 }
                .map { ($0, Double(a[$0]), Double(b[$0])) }
        default:
            let (a, b) = (first.assumingMemoryBound(to: UInt8.self), second.assumingMemoryBound(to: UInt8.self))
            return (0..<count).first { a[$0] != b[$0] }.map { ($0, Double(a[$0]), Double(b[$0])) }
        }
    }

    /// Relative to the element, to the largest of all and to what the step was given: what cancels is exact only against its terms.
    private static func firstDifference(
        _ count: Int, _ relative: Double, _ common: Double, _ absolute: Double, _ expected: (Int) -> Double, _ actual: (Int) -> Double,
        _ isSame: (Int) -> Bool
    ) -> Difference? {
        let largest = (0..<count).reduce(0.0) { expected($1).isFinite ? max($0, abs(expected($1))) : $0 }
        // Integers read as floating-point numbers are all subnormal: only equal ones are equal.
        let isInteger = largest < Double(Float.leastNormalMagnitude)
        for index in 0..<count where !isSame(index) {
            let (a, b) = (expected(index), actual(index))
            if a == b || (a.isNaN && b.isNaN) { continue }
            if !isInteger, abs(a - b) <= relative * max(abs(a), abs(b)) + common * largest + absolute { continue }
            return (index, a, b)
        }
        return nil
    }

    /// The largest magnitude among the slices with elements of a type's size.
    private static func largest<T: BinaryFloatingPoint>(_ type: T.Type, in slices: [BufferSlice]) -> Double {
        slices.filter { $0.elementSize == MemoryLayout<T>.size }.reduce(0.0) { largest, slice in
            guard let pointer = slice.buffer.hostPointer?.assumingMemoryBound(to: type) else { return largest }
            return (0..<slice.buffer.byteCount / slice.elementSize).reduce(largest) { largest, index in
                let magnitude = abs(Double(pointer[index]))
                return magnitude.isFinite ? max(largest, magnitude) : largest
            }
        }
    }
}
