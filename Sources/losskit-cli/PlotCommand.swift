import ArgumentParser
import LossKit

struct PlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot", abstract: "Draws curves, such as a loss over its steps.",
        discussion: """
            Example: losskit plot training.npy held-out.npy --names training,held-out --logarithmic --output loss.svg
            A vector is one curve; each column of a matrix [steps, k] is one.
            """)

    @Argument(help: "Vectors, or matrices of curves as columns.") var files: [String]
    @Option(help: "The .svg file to write.") var output: String
    @Option(help: "What the curves are called, with commas between; by default as their files are.") var names: String?
    @Option(help: "What stands above.") var title = ""
    @Option(help: "What the steps are called.") var steps = "step"
    @Flag(help: "Values on a logarithmic axis.") var logarithmic = false

    func run() throws {
        try ArrayFile.checkInputs(files)
        var curves: [CurveChart.Curve] = []
        for file in files {
            let values = try ArrayFile.load(file, on: .cpu)
            guard (1...2).contains(values.rank), values.count > 0 else {
                throw TensorError.shapeMismatch(operation: "plot \(file)", expected: "curves [steps] or [steps, k]", actual: [values.shape])
            }
            let columns = values.rank == 1 ? [values] : try (0..<values.shape[1]).map { try values.slice(axis: 1, from: $0, to: $0 + 1) }
            for (index, column) in columns.enumerated() {
                let name = columns.count == 1 ? file : "\(file) \(index)"
                curves.append(CurveChart.Curve(name: name, values: try column.array(of: Double.self)))
            }
        }
        if let names = names?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            guard names.count == curves.count else {
                throw TensorError.invalidArgument(operation: "--names", expected: "\(curves.count) names", actual: "\(names.count)")
            }
            for index in curves.indices { curves[index].name = names[index] }
        }
        if logarithmic, !curves.contains(where: { $0.values.contains { $0 > 0 } }) {
            throw TensorError.invalidArgument(operation: "--logarithmic", expected: "values above 0", actual: "none")
        }
        try CurveChart(title: title, steps: steps, curves: curves, isLogarithmic: logarithmic).svg.write(to: output)
    }
}
