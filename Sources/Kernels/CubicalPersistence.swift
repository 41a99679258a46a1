import CLossKitHost
import LossKitDevice

/// The persistent homology over Z/2 of the sublevel sets of an image in up to three dimensions.
package struct CubicalPersistence: Sendable {
    /// The voxels whose appearance begins and ends a class.
    package typealias Class = (birth: Int, death: Int)

    /// By dimension the classes that live for some time and end, components in the order of the voxels where they begin, classes of an
    /// image's last dimension in that of those where they end. One component never ends, that of the first voxel.
    package let classes: [[Class]]
    /// The voxel that is there first.
    package let first: Int

    /// Of float32 voxels; images of one or two axes on the device, others on the host.
    ///
    /// - Parameters:
    ///   - shape: One to three axes, at least one voxel and fewer than 2^28.
    ///   - voxelsAreCorners: Whether voxels are the corners of cubes, connected along the axes, rather than the cubes, connected across
    ///     corners too.
    package init(_ image: BufferSlice, shape: [Int], voxelsAreCorners: Bool, on device: Device) throws {
        let count = shape.reduce(1, *)
        self = try device.run(
            "cubical_persistence", shape: shape, reads: [image], bytes: 4 * count,
            numbers: { found in [Double(found.first)] + found.classes.joined().flatMap { [Double($0.birth), Double($0.death)] } },
            host: { pointers in
                let values = Array(UnsafeBufferPointer(start: pointers.read(0, as: Float.self), count: count))
                return try Self(values: values, shape: shape, voxelsAreCorners: voxelsAreCorners)
            },
            openCL: { encoder in
                if shape.count <= 2 {
                    let steps = CubicalSteps(
                        image: image, height: shape.count == 2 ? shape[0] : 1, width: shape[shape.count - 1], encoder: encoder)
                    let found = try steps.classes(rank: shape.count, voxelsAreCorners: voxelsAreCorners)
                    if let found { return Self(classes: found.classes, first: found.first) }
                }
                var values = [Float](repeating: 0, count: count)
                try values.withUnsafeMutableBytes { try image.buffer.download(into: $0, from: image.byteOffset) }
                return try Self(values: values, shape: shape, voxelsAreCorners: voxelsAreCorners)
            })
    }

    private init(classes: [[Class]], first: Int) { (self.classes, self.first) = (classes, first) }

    private init(values: [Float], shape: [Int], voxelsAreCorners: Bool) throws {
        let rank = shape.count
        let whole = [Int](repeating: 1, count: 3 - rank) + shape
        let order = try sorted(values)
        let dual = Array(order.reversed())
        let own = voxelsAreCorners ? losskit_cubical_faces : losskit_cubical_corners
        let opposite = voxelsAreCorners ? losskit_cubical_corners : losskit_cubical_faces
        // Components, voids as components of what is not there, and loops: each by itself.
        var jobs: [@Sendable () throws -> [Class]] = [{ try components(values, order, whole, rank, Int32(own), outside: false) }]
        if rank > 1 {
            jobs.append {
                try components(values, dual, whole, rank, Int32(opposite), outside: true).map { (birth: $0.death, death: $0.birth) }
            }
        }
        if rank > 2 {
            jobs.insert({ try voxelsAreCorners ? loops(values, order, whole) : loopsOfCubes(values, whole) }, at: 1)
        }
        classes = try inParallel(jobs)
        first = Int(order[0])
    }
}

/// The results of jobs, in their order.
private func inParallel(_ jobs: [@Sendable () throws -> [CubicalPersistence.Class]]) throws -> [[CubicalPersistence.Class]] {
    var results = [Result<[CubicalPersistence.Class], any Error>](repeating: .success([]), count: jobs.count)
    results.withUnsafeMutableBufferPointer { buffer in
        let shared = Shared(buffer)
        ThreadPool.forEach(jobs.count) { index in shared.value[index] = Result { try jobs[index]() } }
    }
    return try results.map { try $0.get() }
}

/// The voxels in ascending order, equal ones by their places.
private func sorted(_ values: [Float]) throws -> [Int32] {
    let scratch = try Buffer(byteCount: Int(losskit_sort_scratch(4)) * values.count, on: .cpu)
    defer { withExtendedLifetime(scratch) {} }
    var places = [Int32](repeating: 0, count: values.count)
    losskit_sort_row(values, Int64(values.count), 4, Int32(losskit_sort_floating), 0x7F80_0000, 0, scratch.hostPointer, &places)
    return places
}

private func components(
    _ values: [Float], _ order: [Int32], _ shape: [Int], _ rank: Int, _ touching: Int32, outside: Bool
) throws -> [CubicalPersistence.Class] {
    let axes = shape.map { Int64($0) }
    var cells = [UInt32](repeating: 0, count: values.count)
    var labels = [Int32](repeating: 0, count: Int(losskit_cubical_frame(axes, Int32(rank))))
    var parent = [Int32](repeating: 0, count: values.count + 1)
    return [losskit_cubical_pair](unsafeUninitializedCapacity: values.count) { pairs, count in
        count = Int(
            losskit_cubical_components(
                values, order, axes, Int32(rank), touching, outside ? 1 : 0, &cells, &labels, &parent, pairs.baseAddress))
    }.map { (birth: Int($0.birth), death: Int($0.death)) }
}

private func loops(_ values: [Float], _ order: [Int32], _ shape: [Int]) throws -> [CubicalPersistence.Class] {
    var pairs: UnsafeMutablePointer<losskit_cubical_pair>?
    let count = losskit_cubical_loops(values, order, shape.map { Int64($0) }, &pairs)
    guard count >= 0 else {
        let now = Device.cpu.memory
        throw DeviceError.outOfMemory(device: "cpu", requested: 64 * values.count, inUse: now.live, cached: now.cached, limit: now.limit)
    }
    defer { pairs?.deallocate() }
    return UnsafeBufferPointer(start: pairs, count: Int(count)).map { (birth: Int($0.birth), death: Int($0.death)) }
}

/// The loops of cubes are, with births and deaths exchanged, those of the image upside down in a shell that was there before it, its voxels as corners.
private func loopsOfCubes(_ values: [Float], _ shape: [Int]) throws -> [CubicalPersistence.Class] {
    let padded = shape.map { $0 + 2 }
    var upsideDown = [Float](repeating: -.infinity, count: padded.reduce(1, *))
    var inside = [Int](repeating: -1, count: upsideDown.count)
    for z in 0..<shape[0] {
        for y in 0..<shape[1] {
            for x in 0..<shape[2] {
                let (voxel, place) = ((z * shape[1] + y) * shape[2] + x, ((z + 1) * padded[1] + y + 1) * padded[2] + x + 1)
                upsideDown[place] = -values[voxel]
                inside[place] = voxel
            }
        }
    }
    return try loops(upsideDown, sorted(upsideDown), padded).map { (birth: inside[$0.death], death: inside[$0.birth]) }
}
