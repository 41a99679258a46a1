import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct GatheringTests {
    @Test(arguments: Device.all)
    func takesAsNumPy(device: Device) throws {
        let x = try Tensor((0..<24).map(Double.init), shape: [2, 3, 4], on: device)
        let along = try Tensor([2, 0, -1, 1, 0, 1, 2, 0], shape: [2, 1, 4], on: device)
        // numpy.take_along_axis(x, along, 1) and numpy.take(x, [[1, -1], [0, 1]], axis=1).
        try expectClose(x.takeAlongAxis(along, axis: 1), [8, 1, 10, 7, 12, 17, 22, 15], tolerance: 0)
        let taken = try x.take(Tensor([1, -1, 0, 1], shape: [2, 2], on: device), axis: 1)
        #expect(taken.shape == [2, 2, 2, 4])
        try expectClose(
            taken, [4, 8, 0, 4, 16, 20, 12, 16].flatMap { start in (0..<4).map { Double(start + $0) } }, tolerance: 0)
        #expect(try x.take(Tensor(-1, on: device), axis: 2).shape == [2, 3])
        try expectClose(x.take(Tensor(-1, on: device), axis: 2), [3, 7, 11, 15, 19, 23], tolerance: 0)
        try expectClose(
            x.rows(at: Tensor([-1, 0] as [Int32], on: device)), (12..<24).map(Double.init) + (0..<12).map(Double.init), tolerance: 0)
        try expectClose(x.rows(at: Tensor([1] as [UInt8], on: .cpu)), (12..<24).map(Double.init), tolerance: 0)
    }

    @Test(arguments: Device.all)
    func everyTypeIsMoved(device: Device) throws {
        for dtype in DType.allCases {
            let x = try Tensor((0..<12).map { Double($0 % 2) }, shape: [3, 4], on: device).asType(dtype)
            let places = try Tensor([1, 1, 0, 2, 0, 1, 1, 1], shape: [2, 4], on: device)
            let values: [Double] = try x.array()
            let list: [Int] = try places.array()
            try expectClose(
                x.takeAlongAxis(places, axis: 0), list.enumerated().map { values[$0.element * 4 + $0.offset % 4] }, tolerance: 0, "\(dtype)"
            )
            try expectClose(x.rows(at: Tensor([2, 2], on: device)), Array(values[8...] + values[8...]), tolerance: 0, "\(dtype)")
            guard dtype != .bool else { continue }
            let ones = try Tensor.ones([2, 4], dtype: dtype, on: device)
            var expected = values
            for (position, row) in list.enumerated() { expected[row * 4 + position % 4] += 1 }
            let sum = try x.scatterAdd(ones, at: places, axis: 0)
            #expect(sum.dtype == dtype)
            try expectClose(sum, expected, tolerance: 0, "\(dtype)")
        }
        // Exact in int64, where float32 would round.
        let big = try Tensor([1 << 53, 1], on: device)
        #expect(
            try big.scatterAdd(Tensor([1, 1, 1], on: device), at: Tensor([0, 0, 1], on: device), axis: 0).array(of: Int.self) == [
                (1 << 53) + 2, 2,
            ])
    }

    @Test(arguments: Device.all)
    func sumsWhatFallsTogetherInOrder(device: Device) throws {
        var random = SplitMix64(seed: 21)
        for (rows, width, count) in [(1, 1, 500), (7, 3, 100), (300, 5, 40), (4, 1, 0), (65, 33, 129)] {
            let list = (0..<count).map { _ in Int(random.next() % UInt64(rows)) }
            let values = random.values(count * width).map { Float($0) }
            let base = try Tensor.zeros([rows, width], on: device)
            let places = try Tensor(list, shape: [count, 1], on: device).broadcast(to: [count, width])
            let sum = try base.scatterAdd(Tensor(values, shape: [count, width], on: device), at: places, axis: 0)
            var expected = [Float](repeating: 0, count: rows * width)
            for (position, row) in list.enumerated() {
                for column in 0..<width { expected[row * width + column] += values[position * width + column] }
            }
            // The same additions in the same order: the same bits.
            #expect(try sum.array(of: Float.self) == expected, "\(rows) \(width) \(count)")
            let again = try base.scatterAdd(Tensor(values, shape: [count, width], on: device), at: places, axis: 0)
            #expect(try again.array(of: Float.self) == expected)
        }
    }

    @Test(arguments: Device.all)
    func gatheringIsTwiceDifferentiable(device: Device) throws {
        var random = SplitMix64(seed: 22)
        let (x, y) = (
            try Tensor(random.values(24), shape: [2, 3, 4], on: device), try Tensor(random.values(16), shape: [2, 2, 4], on: device)
        )
        let along = try Tensor([2, 0, 1, 1, 2, 0, 0, 0, 1, 1, 2, 0, 0, 1, 0, 2], shape: [2, 2, 4], on: device)
        let list = try Tensor([2, 0, 2, 1], shape: [2, 2], on: device)
        try expectGradient(at: [x], tolerance: 1e-7) { try $0[0].takeAlongAxis(along, axis: 1) }
        try expectGradient(at: [x], tolerance: 1e-7) { try $0[0].take(list, axis: 1) }
        try expectGradient(at: [x], tolerance: 1e-7) { try $0[0].take(Tensor([0, 1, 0], on: device)) }
        try expectGradient(at: [x, y], tolerance: 1e-7) { try $0[0].scatterAdd($0[1], at: along, axis: 1) }
        try expectGradient(at: [x], tolerance: 1e-6) { try gradient(at: $0[0]) { try $0.takeAlongAxis(along, axis: 1).power(3).sum() } }
        try expectGradient(at: [x], tolerance: 1e-6) { try gradient(at: $0[0]) { try $0.take(list, axis: 1).power(3).sum() } }
        try expectGradient(at: [x], tolerance: 1e-6) {
            try gradient(at: $0[0]) { try $0.scatterAdd($0.slice(axis: 1, to: 2), at: along, axis: 1).power(3).sum() }
        }
        for dtype in [DType.float16, .bfloat16, .float32] {
            let narrow = try Tensor([1, 2, 3] as [Float], on: device).asType(dtype)
            let slope = try gradient(at: narrow) { try $0.take(Tensor([0, 0, 2, 0], on: device)).sum() }
            #expect(slope.dtype == dtype)
            try expectClose(slope, [3, 0, 1], tolerance: 0)
        }
    }

    /// OpenCL devices check indices themselves: the first that is wrong is named by whatever reads what depends on it.
    @Test(arguments: Device.all)
    func theFirstWrongIndexIsNamed(device: Device) throws {
        let x = try Tensor((0..<10).map(Float.init), shape: [5, 2], on: device)
        for (count, wrong) in [(1, [0]), (10, [3, 7]), (5000, [4999]), (5000, [70, 71, 4000])] {
            for index in [5, -6, Int.max, .min] {
                var list = (0..<count).map { $0 % 5 - ($0 % 2) * 5 }
                for place in wrong { list[place] = place == wrong[0] ? index : 99 }
                let expected = TensorError.indexOutOfRange(operation: "rows", position: wrong[0], index: index, bound: 5)
                let places = try Tensor(list, on: device)
                #expect(throws: expected) { try x.rows(at: places).array(of: Float.self) }
                #expect(throws: expected) { try (x.rows(at: places).exp() * 2).sum().scalar() }
                #expect(throws: expected) { try gradient(at: x) { try $0.rows(at: places).square().sum() }.array(of: Float.self) }
            }
        }
        #expect(throws: TensorError.indexOutOfRange(operation: "rows", position: 0, index: 4, bound: 0)) {
            try x[0..<0].rows(at: Tensor([4, 5], on: device)).array(of: Float.self)
        }
        // What does not depend on it is not harmed, nor is the device.
        #expect(try x.rows(at: Tensor([-1], on: device)).array(of: Float.self) == [8, 9])
    }
}
