import ArgumentParser

@main
struct BenchmarksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "Benchmarks", abstract: "The main job of LossKit and its measurements.")
}
