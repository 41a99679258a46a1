import ArgumentParser
import LossKit

struct PersistenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "persistence", abstract: "The persistent homology of points, of a matrix of distances or of an image.",
        discussion: """
            Example: losskit persistence points.npy --max-dimension 1 --output pairs.npy --plot diagram.svg --barcode barcode.svg
            Points, and distances, are taken by their Vietoris-Rips filtration, an image [h, w] or [d, h, w] by its sublevel sets.
            """)

    @Argument(help: "Points [n, d], or what --distances and --image say.") var input: String
    @Option(help: "The highest dimension of points' and distances' classes.") var maxDimension = 1
    @Option(help: "Edges longer than this never appear; by default the enclosing radius.") var threshold: Double?
    @Option(help: "squaredEuclidean, euclidean, manhattan, chebyshev or cosine.") var metric = "euclidean"
    @Flag(help: "The input is a matrix of distances [n, n].") var distances = false
    @Flag(help: "The input is an image; its voxels are the corners of cubes.") var image = false
    @Option(help: "Write the classes to this file, [pairs, 3]: dimension, birth, death (infinity where a class never dies).")
    var output: String?
    @Option(help: "Draw the diagram to this .svg file.") var plot: String?
    @Option(help: "Draw the barcode to this .svg file.") var barcode: String?
    @OptionGroup var options: RunOptions

    func validate() throws {
        if distances && image { throw ValidationError("expected one of --distances and --image, got both") }
    }

    func run() throws {
        let (device, metric) = (try options.device(), try Metric.named(metric))
        let input = try ArrayFile.load(self.input, on: device)
        try options.report(on: device, outputs: [output]) {
            let diagrams =
                try image
                ? cubicalPersistence(input)
                : distances
                    ? ripsPersistence(distances: input, maximumDimension: maxDimension, threshold: threshold)
                    : ripsPersistence(input, maximumDimension: maxDimension, threshold: threshold, metric: metric)
            return try diagrams.flatMap(Bar.all)
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
