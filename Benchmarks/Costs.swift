import ArgumentParser
import Foundation
import LossKit

/// What kernels cost apart from time, and what they may: launches, allocations and the most memory held, at the small sizes.
struct Costs: Codable, Equatable {
    struct Entry: Codable, Equatable {
        var launches: Int
        var allocations: Int
        var peakBytes: Int
    }

    /// Threads, on which the allocations and the memory of some kernels depend.
    var threads: Int
    /// By kernel, size and pass.
    var entries: [String: Entry]

    /// Memory may be so much more than what was recorded.
    private static let slack = 1.1

    static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Results/costs.json")

    init(measuredOn device: Device) throws {
        threads = device.computeUnits
        entries = [:]
        for kernel in Kernel.all(quick: true) {
            let inputs = try kernel.inputs(device)
            for pass in Kernel.Pass.allCases {
                // The first run may fill caches.
                try kernel.run(pass, inputs, on: device)
                let cost = try Profiler.measure { try kernel.run(pass, inputs, on: device) }.measurement
                entries["\(kernel.name) \(kernel.size) \(pass.rawValue)"] = Entry(
                    launches: cost.launches, allocations: cost.allocations, peakBytes: cost.peakBytes)
            }
        }
    }

    static func recorded() throws -> Costs { try JSONDecoder().decode(Costs.self, from: Data(contentsOf: file)) }

    func record() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try (encoder.encode(self) + Data("\n".utf8)).write(to: Self.file)
    }

    /// What costs more than was recorded; kernels that were not, or are no more, are none of its business.
    func excesses(over limits: Costs) -> [String] {
        entries.sorted { $0.key < $1.key }.flatMap { name, entry -> [String] in
            guard let limit = limits.entries[name] else { return [] }
            var problems: [String] = []
            if entry.launches > limit.launches { problems.append("\(name): \(entry.launches) launches, at most \(limit.launches)") }
            guard threads == limits.threads else { return problems }
            if entry.allocations > limit.allocations {
                problems.append("\(name): \(entry.allocations) allocations, at most \(limit.allocations)")
            }
            let most = Int(Double(limit.peakBytes) * Self.slack)
            if entry.peakBytes > most { problems.append("\(name): \(entry.peakBytes) bytes at once, at most \(most)") }
            return problems
        }
    }
}

struct CostsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "costs", abstract: "Holds launches, allocations and memory on the CPU against what is recorded, or records them.",
        discussion: "Example: Benchmarks costs --record")

    @Flag(help: "Take what is measured as what may be.") var record = false

    func run() throws {
        let costs = try Costs(measuredOn: .cpu)
        if record { return try costs.record() }
        let problems = costs.excesses(over: try Costs.recorded())
        for problem in problems { Console.error("Benchmarks: \(problem)") }
        if !problems.isEmpty { throw ExitCode(1) }
        Console.line("\(costs.entries.count) costs are within what is recorded")
    }
}
