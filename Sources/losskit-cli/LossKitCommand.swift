import ArgumentParser

@main
struct LossKitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "losskit", abstract: "Training losses on any OpenCL device, with a CPU fallback.")
}
