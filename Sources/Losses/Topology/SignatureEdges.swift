import LossKitOps

/// Two spaces of the same points, and the edges of both their spanning trees: what topological signatures compare.
struct SignatureEdges {
    let spaces: [Tensor]
    /// [..., n - 1, 2] of each space.
    let trees: [Tensor]
    let n: Int
    let clouds: Int

    init(_ first: Tensor, _ second: Tensor, _ operation: String) throws {
        guard try first.checked().rank >= 2, try second.checked().rank == first.rank, first.shape.dropLast() == second.shape.dropLast()
        else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "inputs [..., n, d] and embeddings [..., n, e]", actual: [first.shape, second.shape])
        }
        spaces = [first, second]
        trees = try spaces.map { try minimumSpanningTree($0).edges }
        (n, clouds) = (first.shape[first.rank - 2], first.shape.dropLast(2).reduce(1, *))
    }

    /// How long the edges of a tree are in a space, [clouds, n - 1].
    func lengths(tree: Int, space: Int) throws -> Tensor { try lengths(of: trees[tree], in: spaces[space]) }

    /// The largest distance of a space, [clouds, 1], of the first such pair; all distances are held for a while.
    func diameter(space: Int) throws -> Tensor {
        let points = spaces[space]
        let fixed = stopGradient(points)
        let places = try pairwiseDistance(fixed, fixed).reshaped([clouds, n * n]).argMax(axis: 1)
        let ends = try Tensor.stack(
            [places.floorDivided(by: Tensor(n, on: points.device)), places.remainder(Tensor(n, on: points.device))], axis: 1)
        return try lengths(of: ends.reshaped(points.shape.dropLast(2) + [1, 2]), in: points)
    }

    private func lengths(of edges: Tensor, in points: Tensor) throws -> Tensor {
        let ends = try points.edgeEnds(edges)
        return try (ends.0 - ends.1).norm(axes: [1]).reshaped([clouds, edges.shape[edges.rank - 2]])
    }
}
