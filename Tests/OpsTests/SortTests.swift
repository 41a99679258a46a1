import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct SortTests {
    /// The stable order by its definition, NaN last either way.
    private func order(_ values: [Double], descending: Bool) -> [Int] {
        let numbers = values.indices.filter { !values[$0].isNaN }
        // Insertion keeps equal elements in order and knows no bits.
        var sorted: [Int] = []
        for index in numbers {
            let place = sorted.lastIndex { descending ? values[$0] >= values[index] : values[$0] <= values[index] }
            sorted.insert(index, at: place.map { $0 + 1 } ?? 0)
        }
        return sorted + values.indices.filter { values[$0].isNaN }
    }

    @Test(arguments: Device.all)
    func ordersAsNumPy(device: Device) throws {
        let x = try Tensor([3, .nan, -0.0, 0, .infinity, -.infinity, .nan, 1, 3, -2] as [Float], on: device)
        // numpy.argsort(x, kind='stable').
        #expect(try x.argSort().array(of: Int.self) == [5, 9, 2, 3, 7, 0, 8, 4, 1, 6])
        #expect(try x.argSort(descending: true).array(of: Int.self) == [4, 0, 8, 7, 2, 3, 9, 5, 1, 6])
        let sorted = try x.sorted().array(of: Float.self)
        #expect(sorted[2].sign == .minus && sorted[3].sign == .plus, "zeros keep their sign and order")
    }

    @Test(arguments: Device.all)
    func everyTypeAndLengthInStableOrder(device: Device) throws {
        var random = SplitMix64(seed: 11)
        let special: [Double] = [.nan, .infinity, -.infinity, 0, -0.0, 1, 1, 2, -1]
        for dtype in DType.allCases {
            for length in [0, 1, 2, 7, 8, 9, 16, 17, 31, 49, 100, 257] {
                let raw: [Double] = (0..<3 * length).map { _ in
                    let pick = Int(random.next() % 24)
                    return pick < special.count && dtype.isFloatingPoint
                        ? special[pick] : Double(Int(random.next() % 41)) - (dtype == .uint8 ? 0 : 20)
                }
                let x = try Tensor(raw, shape: [3, length], on: device).asType(dtype)
                let values: [Double] = try x.array()
                for descending in [false, true] {
                    let expected = (0..<3).flatMap { order(Array(values[$0 * length..<($0 + 1) * length]), descending: descending) }
                    #expect(try x.argSort(descending: descending).array(of: Int.self) == expected, "\(dtype) \(length) \(descending)")
                    let turned = try x.transposed().packed()
                    let columns = try turned.argSort(axis: 0, descending: descending).transposed().array(of: Int.self)
                    #expect(columns == expected, "\(dtype) \(length) \(descending) along the first axis")
                    let inOrder = expected.enumerated().map { values[$0.offset / length * length + $0.element] }
                    try expectClose(x.sorted(descending: descending), inOrder, tolerance: 0, "\(dtype) \(length)")
                }
            }
        }
    }

    @Test(arguments: Device.all)
    func longRowsOfEveryWidth(device: Device) throws {
        var random = SplitMix64(seed: 12)
        // Longer than two of the longest pieces that an item merges.
        let count = 20_011
        let words = (0..<count).map { _ in Int64(bitPattern: random.next()) }
        func expectSorted<S: TensorScalar & Comparable>(_ values: [S]) throws {
            let places = try Tensor(values, on: device).argSort().array(of: Int.self)
            #expect(Set(places).count == count)
            let isStable = zip(places, places.dropFirst()).allSatisfy { a, b in values[a] < values[b] || (values[a] == values[b] && a < b) }
            #expect(isStable, "\(S.self)")
        }
        try expectSorted(words)
        try expectSorted(words.map { Int32(truncatingIfNeeded: $0) })
        try expectSorted(words.map { UInt8(truncatingIfNeeded: $0) })
        try expectSorted(words.map { Double($0) * 1e-3 })
        try expectSorted(words.map { Float16(Double($0) * 1e-15) })
        try expectSorted([Int64.max, .min] + words.dropFirst(2))
        try expectSorted(Array(0..<count))
        try expectSorted((0..<count).map { Float(-$0) })
    }

    @Test(arguments: Device.all)
    func sortingDoesNotLeaveTheDevice(device: Device) throws {
        var random = SplitMix64(seed: 13)
        let x = try Tensor(random.values(4000).map { Float($0) }, shape: [4, 1000], on: device).evaluated()
        let (_, cost) = try Profiler.measure {
            _ = try x.sorted().evaluated()
            _ = try x.topK(5).values.evaluated()
            _ = try x.argMax(axis: 1).evaluated()
            _ = try x.cumulativeSum().evaluated()
            _ = try x.rows(at: x.argMax(axis: 0)[0..<4]).takeAlongAxis(x.argSort(), axis: 1).evaluated()
            _ = try x.cumulativeMax().values.evaluated()
            _ = try gradient(at: x) { try ($0.sorted().square().sum() + $0.topK(3).values.sum()).checked() }.evaluated()
        }
        #expect(cost.downloadedBytes == 0)
    }

    @Test(arguments: Device.all)
    func theLargestInOrder(device: Device) throws {
        let x = try Tensor([3, 1, .nan, 3, -2, 1, 7, 0] as [Float], shape: [2, 4], on: device)
        let (values, indices) = try x.topK(2)
        #expect(try values.array(of: Float.self) == [3, 3, 7, 1])
        #expect(try indices.array(of: Int.self) == [0, 3, 2, 1])
        let smallest = try x.topK(1, axis: 0, largest: false)
        #expect(try smallest.values.array(of: Float.self) == [-2, 1, 7, 0])
        #expect(try smallest.indices.array(of: Int.self) == [1, 0, 1, 1])
        let slope = try gradient(at: x.slice(axis: 1, to: 2)) { try $0.topK(1).values.square().sum() }
        #expect(try slope.array(of: Float.self) == [6, 0, 0, 2])
    }

    @Test(arguments: Device.all)
    func sortingIsTwiceDifferentiable(device: Device) throws {
        var random = SplitMix64(seed: 14)
        let x = try Tensor(random.values(24), shape: [2, 3, 4], on: device)
        for axis in 0..<3 {
            for descending in [false, true] {
                let f: @Sendable (Tensor) throws -> Tensor = { try $0.sorted(axis: axis, descending: descending) }
                let g: @Sendable (Tensor) throws -> Tensor = { try $0.topK(2, axis: axis, largest: descending).values }
                for function in [f, g] {
                    try expectGradient(at: [x], tolerance: 1e-7) { try function($0[0]) }
                    try expectGradient(at: [x], tolerance: 1e-6) {
                        try gradient(at: $0[0]) { try (function($0).power(3) * function($0).exp()).sum() }
                    }
                }
            }
            try expectGradient(at: [x], tolerance: 1e-6) {
                try gradient(at: $0[0]) { try $0.cumulativeMax(axis: axis).values.power(3).sum() }
            }
            try expectGradient(at: [x], tolerance: 1e-6) { try gradient(at: $0[0]) { try $0.cumulativeSum(axis: axis).power(3).sum() } }
        }
    }

    @Test(arguments: Device.all)
    func runningMaximaOfIntegersAreExact(device: Device) throws {
        let x = try Tensor([1 << 60, (1 << 60) + 1, 5, (1 << 60) + 1], on: device)
        let (values, indices) = try x.cumulativeMax()
        #expect(try values.array(of: Int.self) == [1 << 60, (1 << 60) + 1, (1 << 60) + 1, (1 << 60) + 1])
        #expect(try indices.array(of: Int.self) == [0, 1, 1, 1])
        #expect(try Tensor([3, 1, 4] as [UInt8], on: device).cumulativeMax().values.array(of: UInt8.self) == [3, 3, 4])
    }

    /// Long rows are cut into pieces on OpenCL devices.
    @Test(arguments: Device.all)
    func runningResultsOfLongRows(device: Device) throws {
        var random = SplitMix64(seed: 15)
        for (rows, length) in [(1, 1), (1, 511), (1, 512), (2, 513), (3, 5003), (1, 20_000), (700, 3)] {
            let values = random.values(rows * length).map { Float($0) }
            let integers = values.map { Int($0 * 1e6) }
            let (x, whole) = (
                try Tensor(values, shape: [rows, length], on: device), try Tensor(integers, shape: [rows, length], on: device)
            )
            var (sums, magnitudes, wholeSums, places): ([Double], [Double], [Int], [Int]) = ([], [], [], [])
            for row in 0..<rows {
                var (sum, magnitude, wholeSum, best) = (0.0, 0.0, 0, 0)
                for column in 0..<length {
                    let value = values[row * length + column]
                    sum += Double(value)
                    magnitude += abs(Double(value))
                    wholeSum += integers[row * length + column]
                    if value > values[row * length + best] { best = column }
                    sums.append(sum)
                    magnitudes.append(magnitude)
                    wholeSums.append(wholeSum)
                    places.append(best)
                }
            }
            let label = "\(rows) x \(length)"
            expectClose(try x.cumulativeSum().array(of: Double.self), sums, tolerance: 1e-7, scale: magnitudes, label)
            #expect(try whole.cumulativeSum().array(of: Int.self) == wholeSums, "\(label)")
            #expect(try x.cumulativeMax().indices.array(of: Int.self) == places, "\(label)")
            let columns = try x.transposed().cumulativeSum(axis: 0).transposed()
            expectClose(try columns.array(of: Double.self), sums, tolerance: 1e-7, scale: magnitudes, label)
        }
        var values = [Float](repeating: 0, count: 3000)
        (values[700], values[701], values[1900], values[2500]) = (5, 5, .nan, 9)
        let x = try Tensor(values, on: device)
        let places = try x.cumulativeMax().indices.array(of: Int.self)
        #expect(places[699] == 0 && places[1899] == 700 && places[1900] == 1900 && places[2999] == 1900)
        let sums = try x.cumulativeSum().array(of: Float.self)
        #expect(sums[1899] == 10 && sums[1900].isNaN && sums[2999].isNaN)
    }

    /// The first of equals and the first NaN, over rows that are cut into pieces and rows that are not, along any axis.
    @Test(arguments: Device.all)
    func extremaAreTheFirst(device: Device) throws {
        var random = SplitMix64(seed: 16)
        for (rows, length) in [(1, 1), (3, 1), (1, 7), (5, 64), (2, 129), (1, 5000), (3, 1000), (200, 3)] {
            for dtype in DType.allCases {
                let raw = (0..<rows * length).map { _ in
                    let pick = Int(random.next() % 1000)
                    return pick == 0 && dtype.isFloatingPoint ? Double.nan : Double(pick % 11) - (dtype.isFloatingPoint ? 5 : 0)
                }
                let x = try Tensor(raw, shape: [rows, length], on: device).asType(dtype)
                let values: [Double] = try x.array()
                func first(_ isBetter: (Double, Double) -> Bool) -> [Int] {
                    (0..<rows).map { row in
                        let line = Array(values[row * length..<(row + 1) * length])
                        return line.firstIndex(where: \.isNaN) ?? line.indices.reduce(0) { isBetter(line[$1], line[$0]) ? $1 : $0 }
                    }
                }
                let label = "\(dtype) \(rows) x \(length)"
                #expect(try x.argMax(axis: 1).array(of: Int.self) == first(>), "\(label)")
                #expect(try x.argMin(axis: -1).array(of: Int.self) == first(<), "\(label)")
                let columns = try x.transposed().packed().argMax(axis: 0, keepDimensions: true)
                #expect(columns.shape == [1, rows])
                #expect(try columns.array(of: Int.self) == first(>), "\(label)")
            }
        }
        let x = try Tensor([1, 5, 5, 2] as [Float], shape: [2, 2], on: device)
        #expect(try x.argMax().array(of: Int.self) == [1] && x.argMax().shape == [])
        #expect(try x.argMin(keepDimensions: true).shape == [1, 1])
        #expect(try Tensor(3.0, on: device).argMax().array(of: Int.self) == [0])
        #expect(try Tensor([Int.max - 1, .max], on: device).argMax().array(of: Int.self) == [1])
        #expect(try Tensor.zeros([0, 3], on: device).argMax(axis: 1).shape == [0])
    }
}
