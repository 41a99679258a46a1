import ArgumentParser
import LossKit

struct PersistenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "persistence", abstract: "The persistent homology of points, of a matrix of distances or of an image.",
        discussion: """
            Example: losskit persistence points.npy --max-dimension 1 --output pairs.npy --plot diagram.svg --barcode barcode.svg
            Points, and distances, are taken by their Vietoris-Rips filtration, or with --alpha by the union of balls around them; an image \
            [h, w] or [d, h, w] by its sublevel sets.
            """)

    @Argument(help: "Points [n, d], or what --distances and --image say.") var input: String
    @Option(parsing: .unconditional, help: "The highest dimension of points' and distances' classes.") var maxDimension = 1
    @Option(parsing: .unconditional, help: "Edges longer than this never appear; by default the enclosing radius.") var threshold: Double?
    @Option(help: "squaredEuclidean, euclidean, manhattan, chebyshev or cosine.") var metric = "euclidean"
    @Flag(help: "The input is a matrix of distances [n, n].") var distances = false
    @Flag(help: "Points of 2 or 3 coordinates by their alpha complex; births and deaths are squares of radii.") var alpha = false
    @Flag(help: "The input is an image; its voxels are the corners of cubes.") var image = false
    @Option(help: "Write the classes to this file, [pairs, 3]: dimension, birth, death (infinity where a class never dies).")
    var output: String?
    @Option(help: "Draw the diagram to this .svg file.") var plot: String?
    @Option(help: "Draw the barcode to this .svg file.") var barcode: String?
    @Option(help: "Draw the landscapes to this .svg file.") var landscape: String?
    @OptionGroup var options: RunOptions

    func validate() throws {
        let chosen = [("--distances", distances), ("--image", image), ("--alpha", alpha)].filter(\.1).map(\.0)
        if chosen.count > 1 { throw ValidationError("expected one of --distances, --image and --alpha, got \(chosen.joined(separator: " and "))") }
    }

    func run() throws {
        let (device, metric) = (try options.device(), try Metric.named(metric))
        let input = try ArrayFile.load(self.input, on: device)
        try options.report(on: device, outputs: [output]) {
            try diagrams(of: input, metric).flatMap(Bar.all)
        } writing: { bars in
            try write(bars)
        } text: { bars in
            Console.table([["dimension", "classes", "never die", "longest life"]] + rows(bars))
        } members: { bars in
            [
                (
                    "dimensions",
                    .array(
                        dimensions(bars).map { dimension, bars in
                            .object([
                                ("dimension", .integer(dimension)), ("classes", .integer(bars.count)),
                                ("essential", .integer(bars.filter(\.isEssential).count)),
                            ])
                        })
                )
            ]
        }
    }

    private func diagrams(of input: Tensor, _ metric: Metric) throws -> [PersistenceDiagram] {
        if image { return try cubicalPersistence(input) }
        if alpha { return try alphaPersistence(input) }
        if distances { return try ripsPersistence(distances: input, maximumDimension: maxDimension, threshold: threshold) }
        return try ripsPersistence(input, maximumDimension: maxDimension, threshold: threshold, metric: metric)
    }

    private func dimensions(_ bars: [Bar]) -> [(Int, [Bar])] {
        Dictionary(grouping: bars, by: \.dimension).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private func rows(_ bars: [Bar]) -> [[String]] {
        dimensions(bars).map { dimension, bars in
            let longest = bars.filter { !$0.isEssential }.map(\.life).max()
            return ["\(dimension)", "\(bars.count)", "\(bars.filter(\.isEssential).count)", longest.map { "\(Float($0))" } ?? "-"]
        }
    }

    private func write(_ bars: [Bar]) throws {
        if let output {
            let numbers = bars.flatMap { [Float($0.dimension), Float($0.birth), Float($0.death)] }
            try ArrayFile.save(Tensor(numbers, shape: [bars.count, 3], on: .cpu), to: output)
        }
        if let plot { try ScatterChart.diagram(bars).svg.write(to: plot) }
        if let barcode { try BarcodeChart(bars: bars).svg.write(to: barcode) }
        if let landscape { try LandscapeChart(bars: bars).svg.write(to: landscape) }
    }
}

/// A class of persistent homology, from its birth to its death.
struct Bar {
    let dimension: Int
    let birth: Double
    let death: Double

    var isEssential: Bool { death == .infinity }
    var life: Double { death - birth }

    /// The classes of a diagram, those that never die last.
    static func all(_ diagram: PersistenceDiagram) throws -> [Bar] {
        let (births, deaths) = (try diagram.births.array(of: Double.self), try diagram.deaths.array(of: Double.self))
        let essential = try diagram.essentialBirths.array(of: Double.self)
        return zip(births, deaths).map { Bar(dimension: diagram.dimension, birth: $0, death: $1) }
            + essential.map { Bar(dimension: diagram.dimension, birth: $0, death: .infinity) }
    }
}
