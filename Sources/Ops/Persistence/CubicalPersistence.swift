import LossKitKernels

/// What a voxel of an image is in its cubical complex.
public enum CubicalConstruction: String, Sendable, CaseIterable {
    /// A corner of cubes (V-construction): voxels are connected along the axes, and a cell appears with the last of its corners.
    case vertices
    /// A cube (T-construction): voxels are connected across edges and corners too, and a cell appears with the first cube that it belongs to.
    case cubes
}

/// Persistent homology of the sublevel sets, or superlevel sets, of an image: components, loops and voids. Coefficients are those of Z/2.
///
/// Gradient: a birth or a death is the value of one voxel, its generator; the pairing is a constant, so where it changes this is a subgradient.
///
/// - Parameters:
///   - image: [w], [h, w] or [d, h, w], floating point, finite, fewer than 2^28 voxels.
///   - construction: What a voxel is. GUDHI's `vertices=` and `top_dimensional_cells=` are these two; its default is the latter.
///   - isSuperlevel: Whether voxels appear from the largest value down; then births are above deaths.
/// - Returns: A diagram for each dimension below the image's rank, of the classes that live for some time, the same on every device.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for other shapes,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first voxel that is not finite;
///   ``DeviceError/outOfMemory(device:requested:inUse:cached:limit:)``.
/// - Note: Images of one or two axes are worked on where they are: on OpenCL devices in rounds in which all components that meet an older
///   one first end there, in O(pixels) memory, on the host only where more than 64 rounds would be needed. Volumes on the host: components
///   and voids by union-find, loops by the reduction of the coboundary. Equal values are taken in the order of their places; the values of
///   the diagrams do not depend on that.
///   Source: B. Bleile, A. Garin, T. Heiss, K. Maggs, V. Robins, The persistent homology of dual digital image constructions, 2022.
public func cubicalPersistence(
    _ image: Tensor, construction: CubicalConstruction = .vertices, isSuperlevel: Bool = false
) throws -> [PersistenceDiagram] {
    guard try 1...3 ~= image.checked().rank, image.dtype.isFloatingPoint, image.count > 0, image.count < 1 << 28 else {
        throw TensorError.shapeMismatch(
            operation: "cubicalPersistence", expected: "a floating-point image [w], [h, w] or [d, h, w] of 1 to 2^28 - 1 voxels",
            actual: [image.shape])
    }
    let fixed = stopGradient(image).asType(.float32)
    let values = try (isSuperlevel ? -fixed : fixed).packed().evaluated()
    func coordinates(_ voxel: Int) -> [Int] {
        var rest = voxel
        return image.shape.reversed().map { length in
            defer { rest /= length }
            return rest % length
        }.reversed()
    }
    if try !values.isFinite().all().booleans()[0] {
        let elements = try fixed.array(of: Float.self)
        let voxel = elements.firstIndex { !$0.isFinite } ?? 0
        throw TensorError.invalidArgument(
            operation: "cubicalPersistence", expected: "finite values", actual: "\(elements[voxel]) at \(coordinates(voxel))")
    }
    let found = try CubicalPersistence(
        values.slice(), shape: image.shape, voxelsAreCorners: construction == .vertices, on: values.device)
    let (flat, shape) = (try image.reshaped([image.count]), image.shape)
    var voxels: [Int] = []
    func place(_ more: [Int]) -> Range<Int> {
        voxels += more
        return voxels.count - more.count..<voxels.count
    }
    let ranges = found.classes.enumerated().map { dimension, classes in
        (births: place(classes.map(\.birth)), deaths: place(classes.map(\.death)), first: place(dimension == 0 ? [found.first] : []))
    }
    // All at once, so that derivatives go back to the image once.
    let elements = try flat.take(Tensor(voxels, on: flat.device))
    func part(_ range: Range<Int>) throws -> Tensor { try elements.slice(axis: 0, from: range.lowerBound, to: range.upperBound) }
    func generators(_ range: Range<Int>) throws -> Tensor {
        var places = [Int32](repeating: 0, count: range.count * image.rank)
        for (index, voxel) in voxels[range].enumerated() {
            var rest = voxel
            for axis in stride(from: image.rank - 1, through: 0, by: -1) {
                places[index * image.rank + axis] = Int32(rest % shape[axis])
                rest /= shape[axis]
            }
        }
        return try Tensor(places, shape: [range.count, image.rank], on: flat.device)
    }
    return try ranges.enumerated().map { dimension, ranges in
        PersistenceDiagram(
            dimension: dimension, births: try part(ranges.births), deaths: try part(ranges.deaths),
            birthGenerators: try generators(ranges.births), deathGenerators: try generators(ranges.deaths),
            essentialBirths: try part(ranges.first))
    }
}
