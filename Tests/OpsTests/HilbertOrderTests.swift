import Testing

@testable import LossKitOps

@Suite struct HilbertOrderTests {
    /// The curve through all cells of a grid steps from a cell to one beside it.
    @Test(arguments: [(1, 64), (2, 32), (3, 16)])
    func cellsThatFollowAreNeighbours(d: Int, side: Int) {
        var cells = [[Int]]([[]])
        for _ in 0..<d { cells = cells.flatMap { cell in (0..<side).map { cell + [$0] } } }
        // A power of two less one, as the grid's own cells are counted.
        let order = HilbertOrder.positions(cells.flatMap { $0.map(Float.init) }, count: cells.count, d: d)
        #expect(order.sorted() == Array(0..<cells.count))
        for (a, b) in zip(order, order.dropFirst()) {
            let steps = zip(cells[a], cells[b]).map { abs($0 - $1) }
            #expect(steps.reduce(0, +) == 1, "\(cells[a]) and \(cells[b])")
        }
    }

    @Test func anyPointsHaveAPlace() {
        #expect(HilbertOrder.positions([.nan, .infinity, -.infinity, 0, 1, 2], count: 3, d: 2).sorted() == [0, 1, 2])
        #expect(HilbertOrder.positions([Float](repeating: 5, count: 8), count: 4, d: 2) == [0, 1, 2, 3])
        #expect(HilbertOrder.positions([3, -1e30, 1e30, 2], count: 4, d: 1) == [1, 0, 3, 2], "3 and 2 share a cell")
        #expect(HilbertOrder.positions([], count: 0, d: 3).isEmpty)
    }
}
