/// A persistence diagram in one dimension: when each class of a filtration is born and when it dies, and what brings that about.
public struct PersistenceDiagram: Sendable {
    /// The dimension of the classes: 0 for connected components, 1 for loops, 2 for voids.
    public let dimension: Int
    /// [pairs]: where each class is born.
    public let births: Tensor
    /// [pairs]: where each class dies.
    public let deaths: Tensor
    /// int32: what begins each class. Of points [pairs, 2], the edge i < j whose appearance does, or [pairs, 0] in dimension 0, whose
    /// classes begin with points; of an image [pairs, rank], the coordinates of the voxel whose value that is.
    public let birthGenerators: Tensor
    /// int32: what makes each class die, [pairs, 2] of points and [pairs, rank] of an image.
    public let deathGenerators: Tensor
    /// [classes]: the births of the classes that never die.
    public let essentialBirths: Tensor
    /// A representative cocycle of each class, where they were asked for, those of the classes that never die last: int32
    /// [simplices, dimension + 1], the simplices that it is 1 on.
    ///
    /// From a class's birth until before its death every simplex of the next dimension has an even number of them among its facets.
    public internal(set) var cocycles: [Tensor] = []

    /// How many classes never die.
    public var essentialCount: Int { essentialBirths.count }
    /// [pairs, 2]: births and deaths side by side.
    public var pairs: Tensor { get throws { try Tensor.stack([births, deaths], axis: 1) } }
    /// [pairs]: how long each class lives.
    public var persistence: Tensor { deaths - births }
}

extension PersistenceDiagram {
    /// A diagram of given pairs, without generators.
    ///
    /// - Parameters:
    ///   - pairs: [pairs, 2], floating point: births and deaths.
    ///   - dimension: Of the classes.
    ///   - essentialBirths: [classes]: births of classes that never die; none by default.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for other shapes or integers.
    public init(pairs: Tensor, dimension: Int = 0, essentialBirths: Tensor? = nil) throws {
        guard try pairs.checked().rank == 2, pairs.shape[1] == 2, pairs.dtype.isFloatingPoint,
            try essentialBirths?.checked().rank ?? 1 == 1
        else {
            throw TensorError.shapeMismatch(
                operation: "PersistenceDiagram", expected: "floating-point pairs [pairs, 2] and births [classes]",
                actual: [pairs.shape] + (essentialBirths.map { [$0.shape] } ?? []))
        }
        func column(_ index: Int) throws -> Tensor { try pairs.slice(axis: 1, from: index, to: index + 1).squeezed(axes: [1]) }
        let none = try Tensor.zeros([pairs.shape[0], 0], dtype: .int32, on: pairs.device)
        self.init(
            dimension: dimension, births: try column(0), deaths: try column(1), birthGenerators: none, deathGenerators: none,
            essentialBirths: try essentialBirths ?? .zeros([0], dtype: pairs.dtype, on: pairs.device))
    }
}
