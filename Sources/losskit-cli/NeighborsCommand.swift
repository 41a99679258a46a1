import ArgumentParser
import LossKit

struct NeighborsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "knn", abstract: "The nearest neighbours of points, exactly.",
        discussion: """
            Example: losskit knn points.npy --k 10 --indices neighbours.npy --distances distances.npy
            Without --in, points are looked for among themselves and are not their own neighbours. \
            Of equally near ones the first comes first.
            """)

    @Argument(help: "Points [n, d].") var points: String
    @Option(name: .customLong("in"), help: "Look among these points [m, d], rather than among themselves.") var among: String?
    @Option(parsing: .unconditional, help: "How many neighbours, 1 to 1024.") var k = 10
    @Option(help: "Any metric; a name that is none lists them.") var metric = "euclidean"
    @Option(help: "Write which they are, [n, k], to this file.") var indices: String?
    @Option(help: "Write how far they are, [n, k], to this file.") var distances: String?
    @OptionGroup var options: RunOptions

    func run() throws {
        let (device, metric) = (try options.device(), try Metric.named(metric))
        try ArrayFile.checkInputs([points, among])
        let queries = try ArrayFile.load(points, on: device)
        let points = try among.map { try ArrayFile.load($0, on: device) } ?? queries
        try options.report(on: device, outputs: [indices, distances]) {
            let near = try nearestNeighbors(of: queries, in: points, k: k, metric: metric, excludingSelf: among == nil)
            _ = try near.distances.evaluated()
            return near
        } writing: { near in
            try indices.map { try ArrayFile.save(near.indices, to: $0) }
            try distances.map { try ArrayFile.save(near.distances, to: $0) }
        } text: { near in
            let (nearest, furthest) = try Self.means(near)
            return "\(near.distances.shape[0]) points; on average the nearest is at \(Float(nearest)), neighbour \(k) at \(Float(furthest))"
        } members: { near in
            let (nearest, furthest) = try Self.means(near)
            return [
                ("points", .integer(near.distances.shape[0])), ("k", .integer(k)), ("meanNearest", .number(nearest)),
                ("meanFurthest", .number(furthest)),
            ]
        }
    }

    /// How far the first and the last neighbours are on average.
    private static func means(_ near: NearestNeighbors) throws -> (nearest: Double, furthest: Double) {
        // Not every device has float64.
        let distances = try near.distances.to(.cpu).asType(.float64)
        return (try distances.slice(axis: 1, from: 0, to: 1).mean().scalar(), try distances.slice(axis: 1, from: -1).mean().scalar())
    }
}
