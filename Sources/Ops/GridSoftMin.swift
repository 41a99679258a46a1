import LossKitDevice

/// Soft minima on a regular grid for half the squared distance, which is a sum over axes: along one axis after another, O(points) memory.
///
/// `exp(-|x - y|^2 / 2 epsilon)` is a product over axes, so sums of it over all points are sums along the first axis, of those along the
/// second, and so on; each is the soft minimum of a batch of lines.
package struct GridSoftMin: SoftMinStructure {
    package let extents: [Int]
    /// Between neighbours along each axis.
    package let spacing: [Double]
    package let batch: Int
    /// Zeros [batch, points].
    package let sample: Tensor
    /// Along each axis that of all of its lines.
    private let lines: [SoftMin]

    /// Points of one problem.
    package var count: Int { extents.reduce(1, *) }
    package var counts: (x: Int, y: Int) { (count, count) }

    package init(extents: [Int], spacing: [Double], batch: Int, on device: Device) throws {
        (self.extents, self.spacing, self.batch) = (extents, spacing, batch)
        let points = batch * extents.reduce(1, *)
        sample = try Tensor.zeros([batch, points / batch], on: device).evaluated()
        lines = try zip(extents, spacing).map { extent, step in
            let places = (0..<extent).map { Float((Double($0) - Double(extent - 1) / 2) * step) }
            let line = try Tensor(places, shape: [1, extent, 1], on: device).broadcast(to: [points / extent, extent, 1]).packed()
                .evaluated()
            return try SoftMin(line, line, power: 2, isLinearInMemory: true)
        }
    }

    /// The soft minima [batch, points] of either side, and `keep` times `own` plus `take` times those.
    package func minima(
        _ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double, keep: Double, take: Double
    ) throws -> (soft: Tensor, next: Tensor) {
        let last = extents.count - 1
        var (soft, next) = (potentials, potentials)
        for axis in extents.indices {
            let potentials = try along(axis, axis == 0 ? potentials : -soft)
            let weights = try axis == 0 ? along(axis, logWeights) : sample.reshaped(potentials.shape)
            (soft, next) = try lines[axis](
                .x, potentials: potentials, logWeights: weights, own: axis == last ? own : -potentials, epsilon: epsilon,
                keep: axis == last ? keep : 0, take: axis == last ? take : 1)
            if axis != last { soft = try back(axis, soft) }
        }
        return (try soft.reshaped([batch, count]), try next.reshaped([batch, count]))
    }

    /// For each point the mean over the others, weighted as in its soft minimum, of what a pair of places along an axis is worth.
    package func mean(
        along axis: Int, of worth: (Double) -> Double, potentials: Tensor, logWeights: Tensor, epsilon: Double
    ) throws -> Tensor {
        var reached = try (potentials + logWeights * epsilon).evaluated()
        for other in extents.indices where other != axis {
            let potentials = try along(other, reached)
            let soft = try lines[other](
                .x, potentials: potentials, logWeights: sample.reshaped(potentials.shape), own: -potentials,
                epsilon: epsilon
            ).soft
            reached = try back(other, -soft)
        }
        let (extent, step) = (extents[axis], spacing[axis])
        func table(_ value: (Double) -> Double) throws -> Tensor {
            let values = (0..<extent * extent).map { Float(value(Double($0 % extent - $0 / extent) * step)) }
            return try Tensor(values, shape: [extent, extent], on: sample.device)
        }
        let (costs, worths) = (try table { $0 * $0 / 2 }, try table(worth))
        let lines = try along(axis, reached)
        let height = Swift.max(1, (1 << 22) / (extent * extent))
        let parts = try stride(from: 0, to: lines.shape[0], by: height).map { start in
            let part = try lines[start..<Swift.min(start + height, lines.shape[0])].expandedDimensions(at: 1)
            return try (((part - costs) / epsilon).softmax(axis: 2) * worths).sum(axes: [2]).evaluated()
        }
        return try back(axis, Tensor.concatenate(parts))
    }

    /// The shape with an axis exchanged with the last one.
    private func shape(_ axis: Int) -> [Int] {
        var shape = [batch] + extents
        shape.swapAt(axis + 1, extents.count)
        return shape
    }

    /// [batch, points] as lines along an axis.
    private func along(_ axis: Int, _ tensor: Tensor) throws -> Tensor {
        let whole = try tensor.reshaped([batch] + extents).swappingAxes(axis + 1, extents.count)
        return try whole.packed().reshaped([-1, extents[axis]]).evaluated()
    }

    /// Lines along an axis as [batch, points].
    private func back(_ axis: Int, _ lines: Tensor) throws -> Tensor {
        try lines.reshaped(shape(axis)).swappingAxes(axis + 1, extents.count).packed().reshaped([batch, count]).evaluated()
    }
}
