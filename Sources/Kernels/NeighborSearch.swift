import CLossKitHost
import LossKitDevice

/// The k nearest of float32 points y [m, d] of each of x [n, d], exactly: by value, of equal values the first. Never all pairs at once.
package struct NeighborSearch: Sendable {
    /// What is smallest for the nearest.
    package enum Measure: Int32, Sendable {
        case squaredEuclidean = 0
        case manhattan = 2
        case chebyshev = 3
        /// -x . y.
        case negativeDot = 4
    }

    package var measure: Measure
    package var n: Int
    package var m: Int
    package var d: Int
    package var k: Int
    /// Whether point i of y is left out for point i of x.
    package var excludesSelf: Bool

    package init(_ measure: Measure, n: Int, m: Int, d: Int, k: Int, excludesSelf: Bool) {
        self.measure = measure
        (self.n, self.m, self.d, self.k) = (n, m, d, k)
        self.excludesSelf = excludesSelf
    }

    /// So many rows and columns are looked at together.
    private static let (rowsAtOnce, columnsAtOnce) = (512, 2048)

    /// Whether y is read as [d, m].
    package func readsTransposed(on device: Device) -> Bool {
        switch device.kind {
        case .cpu: measure == .manhattan || measure == .chebyshev || !multiplies
        case .openCLCPU: true
        case .gpu, .accelerator: false
        }
    }

    /// Whether matrix products find the candidates.
    private var multiplies: Bool {
        (measure == .squaredEuclidean || measure == .negativeDot) && d >= 16 && m >= 64 && max(n, m, d) <= Int(Int32.max)
            && BLAS.shared != nil
    }

    /// Values and places (int32) of the nearest ones [n, k], the nearest first.
    ///
    /// - Parameter yTransposed: y as [d, m] where ``readsTransposed(on:)`` says so; elsewhere y itself.
    package func run(
        x: BufferSlice, y: BufferSlice, yTransposed: BufferSlice, values: BufferSlice, places: BufferSlice, on device: Device
    ) throws {
        guard n > 0, k > 0 else { return }
        try device.run(
            "nearest_neighbors", shape: [n, m, d, k], reads: [x, y, yTransposed], writes: [values, places],
            bytes: 4 * (n * d + m * d + 2 * n * k), flops: 2 * n * m * d,
            host: { pointers in
                let points = (x: pointers.read(0, as: Float.self), y: pointers.read(1, as: Float.self))
                let results = Shared((pointers.write(0, as: Float.self), pointers.write(1, as: Int32.self)))
                guard multiplies else { return try direct(points.x, points.y, pointers.read(2), results) }
                try products(points.x, points.y, results)
            },
            openCL: { encoder in
                let rows = max(1, min(n, (1 << 20) / max(1, m)))
                let block = BufferSlice(try encoder.scratch(byteCount: 4 * rows * m), elementSize: 4)
                for first in stride(from: 0, to: n, by: rows) {
                    let count = min(rows, n - first)
                    let sizes: [KernelArgument] = [.int32(measure.rawValue), .count(count), .count(m), .count(d)]
                    let points = KernelArgument.buffer(x.advanced(by: first * d))
                    if encoder.traits.isCPU {
                        try encoder.launch(
                            "distances_by_vectors", in: "pairwise", arguments: [points, .buffer(yTransposed), .buffer(block)] + sizes,
                            global: [(m + 15) / 16, count, 1], local: nil)
                    } else {
                        try encoder.launch(
                            "distances", in: "pairwise", arguments: [points, .buffer(y), .buffer(block)] + sizes, global: [m, count, 1],
                            local: [min(64, encoder.traits.maxWorkGroupSize), 1, 1])
                    }
                    try launchSelection(block, rows: first..<first + count, values: values, places: places, on: encoder)
                }
            })
    }

    private typealias Results = Shared<(UnsafeMutablePointer<Float>, UnsafeMutablePointer<Int32>)>

    /// Memory for the candidates of so many rows.
    struct Candidates {
        let capacity: Int
        let keys: UnsafeMutablePointer<Float>
        let places: UnsafeMutablePointer<Int32>
        let counts: UnsafeMutablePointer<Int32>
        let limits: UnsafeMutablePointer<Float>
        private let memory: Buffer

        init(rows: Int, k: Int) throws {
            capacity = min(2 * k + 64, Int(losskit_most_candidates))
            memory = try Buffer(byteCount: 8 * rows * (capacity + 1), on: .cpu)
            guard let bytes = memory.hostPointer else {
                throw DeviceError.invalidLaunch(kernel: "nearest_neighbors", problem: "no memory")
            }
            keys = bytes.assumingMemoryBound(to: Float.self)
            limits = keys + rows * capacity
            places = (bytes + 4 * rows * (capacity + 1)).assumingMemoryBound(to: Int32.self)
            counts = places + rows * capacity
        }
    }

    func problem(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ candidates: Candidates) -> losskit_neighbors {
        losskit_neighbors(
            metric: measure.rawValue, excludes_self: excludesSelf ? 1 : 0, m: Int64(m), d: Int64(d), k: Int64(k), x: x, y: y,
            y_transposed: nil, low: nil, slack: nil, row_slack: nil, capacity: Int64(candidates.capacity), keys: candidates.keys,
            places: candidates.places, counts: candidates.counts, limits: candidates.limits)
    }

    /// From the values of all pairs.
    private func direct(
        _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ yTransposed: UnsafePointer<Float>?, _ results: Results
    ) throws {
        let candidates = try Candidates(rows: min(n, Self.rowsAtOnce), k: k)
        defer { withExtendedLifetime(candidates) {} }
        var problem = problem(x, y, candidates)
        problem.y_transposed = measure == .negativeDot ? nil : yTransposed
        let call = Shared(problem)
        for first in stride(from: 0, to: n, by: Self.rowsAtOnce) {
            WorkProgress.report(first, of: n, "points")
            ThreadPool.forEachChunk(of: min(Self.rowsAtOnce, n - first), minimumPerChunk: max(1, 1 << 15 / (m * max(d, 1)))) { rows in
                withUnsafePointer(to: call.value) {
                    losskit_neighbors_direct(
                        $0, Int64(first), Int64(rows.lowerBound), Int64(rows.upperBound), results.value.0, results.value.1)
                }
            }
        }
    }

    /// Candidates from matrix products of points less their mean, within what rounding may have done to these, then the values of those alone.
    private func products(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ results: Results) throws {
        guard let blas = BLAS.shared else { return }
        let isDot = measure == .negativeDot
        let centred = try Centred(x: x, y: y, n: n, m: m, d: d, at: isDot ? 0 : nil)
        let rows = min(n, Self.rowsAtOnce)
        let (candidates, memory) = (
            try Candidates(rows: rows, k: k), try Buffer(byteCount: 4 * (n + 2 * m + rows * Self.columnsAtOnce), on: .cpu)
        )
        defer { withExtendedLifetime((centred, candidates, memory)) {} }
        guard let floats = memory.hostPointer?.assumingMemoryBound(to: Float.self) else { return }
        let (rowSlack, low, slack, tile) = (floats, floats + n, floats + n + m, floats + n + 2 * m)
        // Sums of d terms of each of the two lengths and the product, of points that were rounded themselves; and the values they stand for.
        let relative = Float(4 * d + 16) * 0x1p-24
        for i in 0..<n { rowSlack[i] = 2 * relative * centred.norms[i] }
        var isFinite = true
        for i in 0..<n where !rowSlack[i].isFinite { isFinite = false }
        for j in 0..<m {
            let square = centred.norms[n + j]
            low[j] = (isDot ? 0 : square) - relative * square
            slack[j] = 2 * relative * square
            isFinite = isFinite && slack[j].isFinite
        }
        guard isFinite else { return try direct(x, y, nil, results) }
        for first in stride(from: 0, to: n, by: rows) {
            let count = min(rows, n - first)
            var problem = problem(x, y, candidates)
            (problem.low, problem.slack, problem.row_slack) = (UnsafePointer(low), UnsafePointer(slack), UnsafePointer(rowSlack + first))
            let call = Shared((problem: problem, tile: UnsafePointer(tile)))
            WorkProgress.report(first, of: n, "points")
            withUnsafePointer(to: problem) { losskit_neighbors_start($0, 0, Int64(count)) }
            for at in stride(from: 0, to: m, by: Self.columnsAtOnce) {
                let width = min(Self.columnsAtOnce, m - at)
                HostProduct(
                    .init(centred.points + first * d, leading: d), .init(centred.points + (n + at) * d, leading: d, isTransposed: true),
                    into: tile, m: count, n: width, k: d, alpha: -2
                ).run(by: blas)
                ThreadPool.forEachChunk(of: count, minimumPerChunk: 16) { rows in
                    withUnsafePointer(to: call.value.problem) {
                        losskit_neighbors_take(
                            $0, call.value.tile, Int64(first), Int64(at), Int64(width), Int64(rows.lowerBound), Int64(rows.upperBound))
                    }
                }
            }
            ThreadPool.forEachChunk(of: count, minimumPerChunk: 16) { rows in
                withUnsafePointer(to: call.value.problem) {
                    losskit_neighbors_finish(
                        $0, Int64(first), Int64(rows.lowerBound), Int64(rows.upperBound), results.value.0, results.value.1)
                }
            }
        }
    }
}
