import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct ViewTests {
    /// A view, and the position in its source that each of its elements shows.
    private struct View {
        var places: NaiveArray
        var steps: [(name: String, apply: @Sendable (Tensor) throws -> Tensor)] = []

        mutating func append(_ name: String, _ places: NaiveArray, _ apply: @escaping @Sendable (Tensor) throws -> Tensor) {
            self.places = places
            steps.append((name, apply))
        }

        /// Another look at what there is, chosen at random.
        mutating func extend(using random: inout SplitMix64) {
            let (shape, rank) = (places.shape, places.shape.count)
            let axis = rank == 0 ? 0 : Int.random(in: 0..<rank, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0:
                let order = Array(0..<rank).shuffled(using: &random)
                append("transposed \(order)", places.transposed(order)) { try $0.transposed(order) }
            case 1 where rank > 0:
                let step = [2, 3, -1, -2].randomElement(using: &random) ?? 1
                append("slice \(axis) by \(step)", places.stepped(axis: axis, by: step)) { try $0.slice(axis: axis, step: step) }
            case 2 where rank > 0 && shape[axis] > 1:
                let (from, to) = (Int.random(in: 0..<shape[axis], using: &random), shape[axis])
                var target = shape
                target[axis] = to - from
                let part = NaiveArray(shape: target) { index in
                    var source = index
                    source[axis] += from
                    return places[source]
                }
                append("slice \(axis) from \(from)", part) { try $0.slice(axis: axis, from: from, to: to) }
            case 3 where rank < 5:
                let place = Int.random(in: 0...rank, using: &random)
                let target = Array(shape[..<place] + [1] + shape[place...])
                append("expanded at \(place)", NaiveArray(shape: target, values: places.values)) { try $0.expandedDimensions(at: place) }
            case 4 where shape.contains(1):
                append("squeezed", NaiveArray(shape: shape.filter { $0 != 1 }, values: places.values)) { try $0.squeezed() }
            case 5 where places.values.count < 200:
                let target = [2] + shape.map { $0 == 1 ? 3 : $0 }
                append("broadcast to \(target)", places.broadcast(to: target)) { try $0.broadcast(to: target) }
            case 6:
                let target = places.values.count % 2 == 0 ? [2, -1] : [-1]
                let extents = target == [-1] ? [places.values.count] : [2, places.values.count / 2]
                append("reshaped \(target)", NaiveArray(shape: extents, values: places.values)) { try $0.reshaped(target) }
            case 7 where rank > 1 && shape[0] == shape[rank - 1]:
                let diagonal = NaiveArray(shape: Array(shape.dropLast())) { places[$0 + [$0[0]]] }
                append("diagonal", diagonal) { try $0.diagonal(0, -1) }
            default: break
            }
        }
    }

    /// Chains of views show the right elements, and send cotangents back to them.
    @Test(arguments: Device.all)
    func chainsOfViews(device: Device) throws {
        for seed in 0..<UInt64(60) {
            var random = SplitMix64(seed: seed)
            let shape = (0..<Int.random(in: 1...4, using: &random)).map { _ in Int.random(in: 1...5, using: &random) }
            let count = shape.reduce(1, *)
            var view = View(places: NaiveArray(shape: shape, values: (0..<count).map(Double.init)))
            for _ in 0..<7 { view.extend(using: &random) }
            let (chain, places) = (view.steps, view.places)
            let label = "seed \(seed), \(shape): " + chain.map(\.name).joined(separator: ", ")
            let values = random.values(count)
            let source = try Tensor(values, shape: shape, on: device)
            let seen = try chain.reduce(source) { try $1.apply($0) }
            #expect(seen.shape == places.shape, "\(label)")
            let expected = places.values.map { values[Int($0)] }
            try expectClose(seen, expected, tolerance: 0, label)
            try expectClose(seen * 2, expected.map { $0 * 2 }, tolerance: 0, label)
            try expectClose(seen.sum(), [expected.reduce(0, +)], tolerance: 1e-13, label)
            // Whole weights add up exactly in any order.
            let weights = places.values.map { _ in Double(Int.random(in: -9...9, using: &random)) }
            var slopes = [Double](repeating: 0, count: count)
            for (place, weight) in zip(places.values, weights) { slopes[Int(place)] += weight }
            let weight = try Tensor(weights, shape: places.shape, on: device)
            let slope = try gradient(at: source) { source in try (chain.reduce(source) { try $1.apply($0) } * weight).sum() }
            try expectClose(slope, slopes, tolerance: 0, label)
        }
    }

    /// Windows of every kind, of every axis, and what their overlaps add up to.
    @Test(arguments: Device.all)
    func windowsOverlap(device: Device) throws {
        var random = SplitMix64(seed: 31)
        let shape = [2, 9, 3]
        for axis in 0..<3 {
            for (size, stride, dilation) in [(1, 1, 1), (2, 1, 1), (3, 2, 1), (2, 3, 2), (4, 1, 2), (3, 1, 4), (9, 1, 1), (2, 5, 1)] {
                guard (size - 1) * dilation < shape[axis] else { continue }
                let positions = (shape[axis] - (size - 1) * dilation - 1) / stride + 1
                var target = shape
                target[axis] = positions
                let source = NaiveArray(shape: shape, values: (0..<54).map(Double.init))
                let places = NaiveArray(shape: target + [size]) { index in
                    var at = Array(index.dropLast())
                    at[axis] = at[axis] * stride + index[3] * dilation
                    return source[at]
                }
                let label = "axis \(axis), size \(size), stride \(stride), dilation \(dilation)"
                let weights = places.values.map { _ in Double(Int.random(in: -9...9, using: &random)) }
                var slopes = [Double](repeating: 0, count: 54)
                for (place, weight) in zip(places.values, weights) { slopes[Int(place)] += weight }
                for dtype in [DType.float64, .float32, .float16] {
                    let x = try Tensor(source.values, shape: shape, on: device).asType(dtype)
                    let windows = try x.slidingWindows(axis: axis, size: size, stride: stride, dilation: dilation)
                    #expect(windows.shape == target + [size], "\(label)")
                    try expectClose(windows, places.values, tolerance: 0, label)
                    let weight = try Tensor(weights, shape: places.shape, on: device).asType(dtype)
                    let slope = try gradient(at: x) { x in
                        try (x.slidingWindows(axis: axis, size: size, stride: stride, dilation: dilation) * weight).sum()
                    }
                    #expect(slope.dtype == dtype)
                    try expectClose(slope, slopes, tolerance: 0, "\(dtype) \(label)")
                }
            }
        }
    }

    @Test(arguments: Device.all)
    func viewsRunNothingAndTakeNoMemory(device: Device) throws {
        let x = try Tensor((0..<24).map(Float.init), shape: [2, 3, 4], on: device)
        let (views, cost) = try Profiler.measure {
            [
                try x.transposed(), try x.reshaped([6, 4]), try x.flattened(), try x.slice(axis: 1, from: 1, step: 2),
                try x.slice(axis: 0, step: -1), try x[0].broadcast(to: [9, 3, 4]), try x.expandedDimensions(at: 1).squeezed(),
                try x.slice(axis: 2, to: 3).diagonal(1, 2), try x.slidingWindows(axis: 2, size: 2), try x.flipped(),
                try x.swappingAxes(0, 1), x[1], x[0..<1], try x.split([1, 2], axis: 1)[1],
            ]
        }
        #expect(cost.launches == 0 && cost.peakBytes == 0 && cost.uploadedBytes == 0)
        for view in views { #expect(view.storage === x.storage) }
    }
}
