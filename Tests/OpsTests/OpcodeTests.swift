import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Every opcode on every device and floating-point type against double arithmetic, over ordinary and hard arguments.
///
/// `LOSSKIT_REPORT_ULPS=1` prints the worst error of each.
@Suite struct OpcodeTests {
    private static let special: [Double] = [
        0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 10, -10, 1.0000001, 0.9999999, -0.9999999, 1e-3, -1e-3, 88.7, -88.7, 89, -95, -103.9, -104,
        1e10, -1e10,
        1.2e-38, -1.2e-38, 1e-40, -1e-40, 1.4e-45, -1.4e-45, 3.4e38, -3.4e38, .infinity, -.infinity, .nan,
    ]

    /// Arguments that the type can hold: evenly spread, spread over magnitudes, and special.
    private static func arguments(_ ranges: [ClosedRange<Double>], dtype: DType, using random: inout SplitMix64) -> [Double] {
        var values =
            special
            + (dtype == .float64 ? [.leastNonzeroMagnitude, -.leastNormalMagnitude / 64, 1.7e308, -1.7e308, 700, -700, -744, 1e-200] : [])
        for range in ranges {
            values += random.values(250, in: range)
            values += (0..<50).map { _ in
                let end = Bool.random(using: &random) ? range.upperBound : range.lowerBound
                return end * Double.random(in: 0...1, using: &random)
                    * Double(sign: .plus, exponent: -Int.random(in: 0...120, using: &random), significand: 1)
            }
        }
        return values.map(dtype.nearest)
    }

    @Test(arguments: Device.all, OpcodeCase.all)
    func agreesWithDoubleArithmetic(device: Device, row: OpcodeCase) throws {
        for dtype in [DType.float32, .float16, .bfloat16, .float64] where dtype != .float64 || device.hasFloat64 {
            var random = SplitMix64(seed: 21)
            let columns: [[Double]]
            let arity = row.opcode.arity
            if arity == 1 {
                columns = [Self.arguments(row.ranges, dtype: dtype, using: &random)]
            } else {
                let pool = (0..<arity).map { _ in Self.arguments(row.ranges, dtype: dtype, using: &random) }
                let pairs = Self.special.flatMap { a in Self.special.map { (dtype.nearest(a), dtype.nearest($0)) } }
                columns = pool.enumerated().map { index, values in
                    values + pairs.map { index == 0 ? $0.0 : index == 1 ? $0.1 : 7 }
                }
            }
            let tensors = try columns.map { try Tensor($0, on: device).asType(dtype) }
            let actual = try Tensor.apply(row.opcode, tensors.map { .tensor($0) }, result: .floating, name: "test").array(of: Double.self)
            try check(row, dtype, columns, actual, on: device)
        }
    }

    private func check(_ row: OpcodeCase, _ dtype: DType, _ columns: [[Double]], _ actual: [Double], on device: Device) throws {
        // The CPU's functions are better than what OpenCL grants; 16-bit results are float32 results rounded once more.
        let isOwn = [.gelu, .geluSlope, .erfc].contains(row.opcode)
        let granted = dtype == .float64 ? row.double : row.single
        let wide = device.isOpenCL || isOwn ? granted : min(granted, 2)
        let bound = dtype == .float64 || dtype == .float32 ? wide : 0.5 + wide / 256
        var worst = (error: 0.0, index: 0)
        for index in actual.indices {
            let arguments = columns.map { $0[index] }
            let expected = row.reference(arguments)
            let error = dtype.error(of: actual[index], from: expected, slack: slack(row, dtype, arguments, expected))
            if error > worst.error { worst = (error, index) }
        }
        if Environment.value("LOSSKIT_REPORT_ULPS") != nil {
            print("ulps", row.opcode, dtype, device.isOpenCL ? "OpenCL" : "CPU", worst.error, "at", columns.map { $0[worst.index] })
        }
        let arguments = columns.map { $0[worst.index] }
        #expect(
            worst.error <= bound + 0.001,
            "\(row.opcode) of \(arguments) in \(dtype) is \(actual[worst.index]), expected \(row.reference(arguments)): \(worst.error) ulps, allowed \(bound)"
        )
    }

    /// How much the function changes when its argument is off by what the row allows, in the type that is computed in.
    private func slack(_ row: OpcodeCase, _ dtype: DType, _ arguments: [Double], _ expected: Double) -> Double {
        guard row.argument > 0, arguments.count == 1, arguments[0].isFinite, expected.isFinite else { return 0 }
        let step = row.argument * (dtype == .float64 ? DType.float64 : .float32).ulp(at: arguments[0])
        let changes = [row.reference([arguments[0] - step]), row.reference([arguments[0] + step])].map { abs($0 - expected) }
        return changes.filter(\.isFinite).max() ?? 0
    }

    @Test func everyOpcodeHasItsRow() {
        let integerOnly: Set<Opcode> = [.bitwiseAnd, .bitwiseOr, .bitwiseXor, .shiftLeft, .shiftRight]
        #expect(Set(OpcodeCase.all.map(\.opcode)).union(integerOnly) == Set(Opcode.allCases.filter { $0.arity > 0 }))
    }

    /// Whole numbers wrap, divide downwards and shift as Swift's own say they should.
    @Test(arguments: Device.all, [DType.int32, .int64, .uint8, .bool])
    func integersAgreeWithSwift(device: Device, dtype: DType) throws {
        let all: [Int64] =
            switch dtype {
            case .int64: [0, 1, -1, 2, -2, 3, 7, -7, 31, 32, 63, 64, 1 << 40, -(1 << 40), .max, .min, .min + 1, 12345]
            case .int32: [0, 1, -1, 2, -2, 3, 7, -7, 31, 32, 33, 65536, -65537, Int64(Int32.max), Int64(Int32.min), 12345]
            case .uint8: [0, 1, 2, 3, 7, 8, 31, 32, 127, 128, 255]
            default: [0, 1]
            }
        let a = all.flatMap { value in all.map { _ in value } }
        let b = all.flatMap { _ in all }
        let (x, y) = (try Tensor(a, on: device).asType(dtype), try Tensor(b, on: device).asType(dtype))
        for (opcode, function) in Self.wholeOperations {
            let actual = try Tensor.apply(opcode, [.tensor(x), .tensor(y)], result: .same, name: "test").array(of: Int64.self)
            let width = dtype == .int64 ? 64 : 32
            let expected = zip(a, b).map { Self.wrapped(function($0, $1, width), dtype) }
            let wrong = actual.indices.first { actual[$0] != expected[$0] }
            if let wrong {
                Issue.record("\(opcode) of \(a[wrong]) and \(b[wrong]) in \(dtype) is \(actual[wrong]), expected \(expected[wrong])")
            }
        }
    }

    private static func wrapped(_ value: Int64, _ dtype: DType) -> Int64 {
        switch dtype {
        case .int32: Int64(Int32(truncatingIfNeeded: value))
        case .uint8: Int64(UInt8(truncatingIfNeeded: value))
        case .bool: value == 0 ? 0 : 1
        default: value
        }
    }

    private static func floorDivided(_ a: Int64, _ b: Int64) -> Int64 {
        if b == 0 { return 0 }
        let (quotient, overflow) = a.dividedReportingOverflow(by: b)
        if overflow { return a }
        return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient
    }

    private static func power(_ base: Int64, _ exponent: Int64) -> Int64 {
        if exponent < 0 { return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0 }
        var (result, base, exponent) = (Int64(1), base, exponent)
        while exponent > 0 {
            if exponent & 1 == 1 { result &*= base }
            base &*= base
            exponent >>= 1
        }
        return result
    }

    private static let wholeOperations: [(Opcode, @Sendable (Int64, Int64, _ width: Int) -> Int64)] = [
        (.add, { a, b, _ in a &+ b }), (.subtract, { a, b, _ in a &- b }), (.multiply, { a, b, _ in a &* b }),
        (.divide, { a, b, _ in b == 0 ? 0 : b == -1 ? 0 &- a : a / b }), (.floorDivide, { a, b, _ in floorDivided(a, b) }),
        (.remainder, { a, b, _ in b == 0 || b == -1 ? 0 : a &- b &* floorDivided(a, b) }), (.power, { a, b, _ in power(a, b) }),
        (.minimum, { a, b, _ in min(a, b) }), (.maximum, { a, b, _ in max(a, b) }),
        (.bitwiseAnd, { a, b, _ in a & b }), (.bitwiseOr, { a, b, _ in a | b }), (.bitwiseXor, { a, b, _ in a ^ b }),
        (.shiftLeft, { a, b, width in b < 0 || b >= width ? 0 : a << b }),
        (.shiftRight, { a, b, width in b < 0 || b >= width ? (a < 0 ? -1 : 0) : a >> b }),
        (.equal, { a, b, _ in a == b ? 1 : 0 }), (.less, { a, b, _ in a < b ? 1 : 0 }), (.greaterEqual, { a, b, _ in a >= b ? 1 : 0 }),
        (.logicalAnd, { a, b, _ in a != 0 && b != 0 ? 1 : 0 }), (.logicalXor, { a, b, _ in (a != 0) != (b != 0) ? 1 : 0 }),
    ]
}
