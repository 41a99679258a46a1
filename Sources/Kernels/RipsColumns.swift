import LossKitDevice

/// Which simplices of Vietoris-Rips filtrations need columns, found on an OpenCL device: apparent pairs and what is cleared are left out there.
package struct RipsColumns: Sendable {
    /// Float32 distances [clouds, n, n].
    let distances: BufferSlice
    let n: Int
    let thresholds: [Float]
    let device: Device
    /// Of each cloud the edges i < j as `i n + j`, ascending.
    let edges: [[Int64]]

    /// Looks through the edges of all clouds at once, less those of their spanning trees.
    package init(distances: BufferSlice, n: Int, thresholds: [Float], on device: Device) throws {
        (self.distances, self.n, self.thresholds, self.device) = (distances, n, thresholds, device)
        let clouds = thresholds.count
        let trees = try SpanningTrees(.given, clouds: clouds, n: n, d: n, points: distances, on: device)
        let branches = (0..<trees.lengths.count).map { edge -> Int64 in
            let (cloud, low, high) = (edge / (n - 1), Int(trees.edges[2 * edge]), Int(trees.edges[2 * edge + 1]))
            return Int64((cloud * n + low) * n + high)
        }
        let limits = try Buffer(byteCount: 4 * clouds, on: device)
        try thresholds.withUnsafeBytes { try limits.upload($0) }
        let found = try Self.list(
            "rips_edges", [.buffer(distances), .buffer(BufferSlice(limits, elementSize: 4))], cleared: branches,
            sizes: [.count(clouds), .count(n)], items: clouds * n * n, room: 4 * clouds * n, reading: distances, on: device)
        var edges = [[Int64]](repeating: [], count: clouds)
        for edge in found { edges[Int(edge) / (n * n)].append(edge % Int64(n * n)) }
        self.edges = edges
    }

    /// A cloud's triangles, by their last edge i < j and the vertex v as `(i n + j) n + v`, ascending; `cleared` are those that end loops.
    func triangles(ofCloud cloud: Int, cleared: [Int64]) throws -> [Int64] {
        try Self.list(
            "rips_triangles", [.buffer(distances.advanced(by: cloud * n * n)), .float(thresholds[cloud])], cleared: cleared, sizes: [.count(n)],
            items: n * n, room: 16 * n, reading: distances, on: device)
    }

    /// What a kernel lists, in order; once more with enough room where that was too little.
    private static func list(
        _ kernel: StaticString, _ inputs: [KernelArgument], cleared: [Int64], sizes: [KernelArgument], items: Int, room: Int,
        reading distances: BufferSlice, on device: Device
    ) throws -> [Int64] {
        let known = cleared.sorted()
        return try device.run(
            kernel, shape: [items], reads: [distances], bytes: 4 * items, numbers: { _ in [] }, host: { _ in [] },
            openCL: { encoder in
                let keys = try encoder.scratch(byteCount: 8 * max(1, known.count))
                if !known.isEmpty { try known.withUnsafeBytes { try keys.upload($0) } }
                func listed(room: Int) throws -> (count: Int, columns: Buffer) {
                    let columns = try encoder.scratch(byteCount: 8 * room), count = try encoder.zeroedScratch(byteCount: 4)
                    let outputs: [KernelArgument] = [
                        .buffer(BufferSlice(keys, elementSize: 8)), .count(known.count), .buffer(BufferSlice(columns, elementSize: 8)),
                        .count(room), .buffer(BufferSlice(count, elementSize: 4)),
                    ]
                    try encoder.launch(
                        "\(kernel)", in: "rips", arguments: inputs + outputs + sizes, global: [items],
                        local: [min(64, encoder.traits.maxWorkGroupSize)])
                    var found: Int32 = 0
                    try withUnsafeMutableBytes(of: &found) { try count.download(into: $0) }
                    return (Int(found), columns)
                }
                var (count, columns) = try listed(room: room)
                if count > room { (count, columns) = try listed(room: count) }
                var simplices = [Int64](repeating: 0, count: count)
                if count > 0 { try simplices.withUnsafeMutableBytes { try columns.download(into: $0) } }
                return simplices.sorted()
            })
    }
}
