import LossKitTestSupport
import Testing

@testable import LossKitDevice
@testable import LossKitOps

/// Arrays of more elements than 32 bits count, where `LOSSKIT_TEST_LARGE` asks for them: gigabytes and minutes.
@Suite(.serialized, .enabled(if: Environment.value("LOSSKIT_TEST_LARGE") != nil))
struct LargeArrayTests {
    private static let (rows, columns) = (65_539, 32_771)

    private static func left(_ row: Int) -> Int { row * 7 % 139 }
    private static func right(_ column: Int) -> Int { column * 5 % 113 }
    private static func byte(_ row: Int, _ column: Int) -> UInt8 { UInt8(left(row) + right(column)) }

    /// Element [i, j] is left(i) + right(j); it takes no memory until it is read.
    private static func pattern(on device: Device) throws -> Tensor {
        let a = try Tensor((0..<rows).map { Int32(left($0)) }, shape: [rows, 1], on: device)
        let b = try Tensor((0..<columns).map { Int32(right($0)) }, shape: [1, columns], on: device)
        return a + b
    }

    /// A reduction over all of them and one by rows, from operands that are small.
    @Test(arguments: Device.all)
    func reductionsReachEveryElement(device: Device) throws {
        let (rows, columns) = (Self.rows, Self.columns)
        let counted = try Tensor([Int32(1)], shape: [1, 1], on: device).broadcast(to: [rows, columns])
        #expect(try counted.sum().array(of: Int.self) == [rows * columns])
        let peaks = try Self.pattern(on: device).max(axes: [1]).array(of: Int.self)
        for row in [0, 1, rows / 2, rows - 1] {
            #expect(peaks[row] == (0..<columns).map { Self.left(row) + Self.right($0) }.max())
        }
        print("large: \(device): \(rows * columns) elements reduced")
    }

    /// An array that is there: written by a kernel, then read by views, gathers and transposes from beyond 2^31.
    @Test(arguments: Device.all)
    func elementsBeyond32BitsAreFound(device: Device) throws {
        let (rows, columns) = (Self.rows, Self.columns)
        let x = try Self.pattern(on: device).asType(.uint8).evaluated()
        let last = (0..<columns).map { Self.byte(rows - 1, $0) }
        #expect(try x[rows - 1].array(of: UInt8.self) == last)
        #expect(try x.flattened()[(rows * columns - 5)..<(rows * columns)].array(of: UInt8.self) == last.suffix(5))
        let list = [rows - 1, 0, rows - 2, rows / 2, rows - 1]
        let gathered = try x.rows(at: Tensor(list, on: device)).array(of: UInt8.self)
        #expect(gathered == list.flatMap { row in (0..<columns).map { Self.byte(row, $0) } })
        #expect(try x.rows(at: Tensor([-1], on: device)).array(of: UInt8.self) == last)
        // A column from the last row up, each element a row before the one it follows.
        let column = try x.transposed()[columns - 1].slice(axis: 0, step: -1).array(of: UInt8.self)
        #expect(column == (0..<rows).reversed().map { Self.byte($0, columns - 1) })
        #expect(throws: (any Error).self) { _ = try x.flattened()[rows * columns].array(of: UInt8.self) }
        print("large: \(device): \(rows * columns) elements written and found")
    }
}
