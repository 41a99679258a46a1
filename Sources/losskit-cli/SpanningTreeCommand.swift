import ArgumentParser
import LossKit

struct SpanningTreeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mst", abstract: "The minimum spanning tree of points.",
        discussion: "Example: losskit mst points.npy --metric manhattan --output edges.npy --plot tree.svg")

    @Argument(help: "Points [n, d].") var points: String
    @Option(help: "squaredEuclidean, euclidean, manhattan, chebyshev or cosine.") var metric = "euclidean"
    @Option(help: "Write the edges to this file, [n - 1, 3]: i, j, length, the shortest first.") var output: String?
    @Option(help: "Draw the tree over the first two coordinates to this .svg file.") var plot: String?
    @OptionGroup var options: RunOptions

    func run() throws {
        let (device, metric) = (try options.device(), try Metric.named(metric))
        let points = try ArrayFile.load(self.points, on: device)
        try options.report(on: device, outputs: [output]) {
            let tree = try minimumSpanningTree(points, metric: metric)
            _ = try tree.lengths.evaluated()
            return tree
        } writing: { tree in
            try write(tree, of: points)
        } text: { tree in
            "\(tree.lengths.count) edges, total weight \(try weight(tree))"
        } members: { tree in
            [
                ("totalWeight", .number(try weight(tree))), ("edges", .integer(tree.lengths.count)),
            ]
        }
    }

    private func weight(_ tree: MinimumSpanningTree) throws -> Double { try tree.lengths.array(of: Double.self).reduce(0, +) }

    private func write(_ tree: MinimumSpanningTree, of points: Tensor) throws {
        if let output {
            let lengths = try tree.lengths.expandedDimensions(at: 1)
            try ArrayFile.save(Tensor.concatenate([tree.edges.asType(lengths.dtype), lengths], axis: 1), to: output)
        }
        guard let plot else { return }
        guard points.shape[1] >= 2 else {
            throw TensorError.shapeMismatch(operation: "mst --plot", expected: "points of 2 coordinates or more", actual: [points.shape])
        }
        let places = try ScatterChart.places(points)
        let ends = try tree.edges.array(of: Int.self)
        var chart = ScatterChart(title: "Minimum spanning tree of \(points.shape[0]) points", hasEqualScales: true)
        chart.segments = stride(from: 0, to: ends.count, by: 2).map {
            ScatterChart.Segment(from: places[ends[$0]], to: places[ends[$0 + 1]])
        }
        chart.series = [ScatterChart.Series(name: "", colour: Palette.colours[0], points: places)]
        try chart.svg.write(to: plot)
    }
}
