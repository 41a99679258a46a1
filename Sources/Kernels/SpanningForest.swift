import CLossKitHost
import LossKitDevice

/// The minimum spanning forest of a graph whose edges are in order: by Kruskal's algorithm on the CPU, by Boruvka's on OpenCL devices.
package enum SpanningForest {
    /// The most edges whose places can be told apart.
    package static let mostEdges = Int(UInt32.max)

    /// The places of the forest's edges, ascending, among int32 edges [count, 2] between n vertices, the first edge first.
    package static func places(edges: BufferSlice, count: Int, n: Int, on device: Device) throws -> [Int64] {
        guard count > 0 else { return [] }
        guard count <= mostEdges, n <= SpanningTree.mostPoints else {
            throw DeviceError.invalidLaunch(
                kernel: "spanning_forest",
                problem: "\(count) edges between \(n) vertices, \(mostEdges) and \(SpanningTree.mostPoints) at most")
        }
        return try device.run(
            "spanning_forest", shape: [count, 2], reads: [edges], bytes: 8 * count, numbers: { $0.map { Double($0) } },
            host: { memory in
                var parent = [Int32](repeating: 0, count: n)
                var places = [Int64](repeating: 0, count: min(count, n - 1))
                let found = losskit_forest(Int64(n), Int64(count), memory.read(0), &parent, &places)
                return Array(places[..<Int(found)])
            },
            openCL: { try openCL(edges: edges, count: count, n: n, on: $0) })
    }

    /// All rounds are queued at once; those after the last merge find nothing.
    private static func openCL(edges: BufferSlice, count: Int, n: Int, on encoder: OpenCLEncoder) throws -> [Int64] {
        func scratch() throws -> KernelArgument { .buffer(BufferSlice(try encoder.scratch(byteCount: 4 * n), elementSize: 4)) }
        let (component, best, parent, edges) = (try scratch(), try scratch(), try scratch(), KernelArgument.buffer(edges))
        let taken = try encoder.zeroedScratch(byteCount: count)
        func launch(_ kernel: String, _ arguments: [KernelArgument], global: Int = n) throws {
            try encoder.launch(
                kernel, in: "spanning_forest", arguments: arguments, global: [global], local: [min(64, encoder.traits.maxWorkGroupSize)])
        }
        try launch("forest_begin", [component, best, .count(n)])
        for _ in 0..<Int.bitWidth - (n - 1).leadingZeroBitCount {
            try launch("forest_best", [edges, component, best, .count(count)], global: count)
            try launch("forest_join", [edges, component, best, parent, .buffer(BufferSlice(taken, elementSize: 1)), .count(n)])
            try launch("forest_relabel", [parent, component, best, .count(n)])
        }
        var flags = [UInt8](repeating: 0, count: count)
        try flags.withUnsafeMutableBytes { try taken.download(into: $0) }
        return flags.indices.lazy.filter { flags[$0] != 0 }.map { Int64($0) }
    }
}
