import Foundation
import LossKit

/// What steps of work say they move and compute.
struct Work: Codable {
    var bytes = 0.0
    var flops = 0.0

    /// Operations for each byte.
    var intensity: Double { flops / bytes }

    /// Of everything that `body` runs.
    init(of body: () throws -> Void) throws {
        Profiler.startTrace()
        do {
            try body()
        } catch {
            _ = Profiler.stopTrace()
            throw error
        }
        let trace = try JSONDecoder().decode(Trace.self, from: Data(Profiler.stopTrace().utf8))
        for step in trace.traceEvents {
            // Microseconds times thousands of millions a second.
            bytes += (step.args.bandwidth ?? 0) * (step.dur ?? 0) * 1e3
            flops += (step.args.speed ?? 0) * (step.dur ?? 0) * 1e3
        }
    }

    private struct Trace: Decodable {
        struct Event: Decodable {
            var dur: Double?
            var args: Arguments
        }

        struct Arguments: Decodable {
            var bandwidth: Double?
            var speed: Double?

            enum CodingKeys: String, CodingKey {
                case bandwidth = "GB/s"
                case speed = "GFLOP/s"
            }
        }

        var traceEvents: [Event]
    }
}
