import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension Profiler {
    /// One step of work as it was observed.
    struct Observation: Sendable {
        var name: String
        var shape: [Int]
        var device: String
        /// Nanoseconds of the system's steady clock.
        var start: UInt64
        var duration: UInt64
        var bytes: Int
        var flops: Int

        private var seconds: Double { max(Double(duration), 1) * 1e-9 }
        var gigabytesPerSecond: Double { Double(bytes) / seconds * 1e-9 }
        var gigaflopsPerSecond: Double { Double(flops) / seconds * 1e-9 }

        var line: String {
            "\(name) \(shape) on \(device): \(Decimal.text(seconds * 1e3, digits: 3)) ms, "
                + "\(Decimal.text(gigabytesPerSecond, digits: 2)) GB/s"
                + (flops > 0 ? ", \(Decimal.text(gigaflopsPerSecond, digits: 2)) GFLOP/s" : "")
        }
    }

    static let printsSteps = Environment.debug == "1"
    static let validatesSteps = Environment.debug == "validate"
    private static let isTracing = Atomic(Environment.trace != nil)
    private static let trace = Mutex<[Observation]>([])
    private static let writesTraceAtExit: Bool = {
        guard Environment.trace != nil else { return false }
        return atexit {
            if let path = Environment.trace, !Profiler.writeTrace(to: path) {
                StandardError.print("losskit: cannot write the trace to \(path)")
            }
        } == 0
    }()

    /// Whether steps are to be timed one by one, which keeps them from overlapping.
    static var isObserving: Bool { printsSteps || validatesSteps || isTracing.load(ordering: .relaxed) }

    /// Begins to record every step of work on every device; each is waited for, so that its time is its own.
    ///
    /// `LOSSKIT_TRACE=FILE` records from the start and writes the file when the process ends.
    public static func startTrace() {
        trace.withLock { $0 = [] }
        isTracing.store(true, ordering: .relaxed)
    }

    /// Ends the recording, and gives it in the format of Chrome's trace viewer and Perfetto.
    public static func stopTrace() -> String {
        isTracing.store(false, ordering: .relaxed)
        return chromeTrace(trace.withLock { $0 })
    }

    static func observed(_ observation: Observation) {
        if printsSteps { StandardError.print(observation.line) }
        if isTracing.load(ordering: .relaxed) {
            _ = writesTraceAtExit
            trace.withLock { $0.append(observation) }
        }
    }

    private static func writeTrace(to path: String) -> Bool {
        Files.replace(path, with: Array(chromeTrace(trace.withLock { $0 }).utf8))
    }

    private static func chromeTrace(_ observations: [Observation]) -> String {
        let devices = observations.reduce(into: [String]()) { if !$0.contains($1.device) { $0.append($1.device) } }
        let names = devices.enumerated().map { index, name in
            #"{"name":"thread_name","ph":"M","pid":1,"tid":\#(index),"args":{"name":\#(quoted(name))}}"#
        }
        let steps = observations.map { step in
            #"{"name":\#(quoted(step.name)),"ph":"X","pid":1,"tid":\#(devices.firstIndex(of: step.device) ?? 0),"#
                + #""ts":\#(Decimal.text(Double(step.start) * 1e-3, digits: 3)),"#
                + #""dur":\#(Decimal.text(Double(step.duration) * 1e-3, digits: 3)),"#
                + #""args":{"shape":"\#(step.shape)","GB/s":\#(Decimal.text(step.gigabytesPerSecond, digits: 3)),"#
                + #""GFLOP/s":\#(Decimal.text(step.gigaflopsPerSecond, digits: 3))}}"#
        }
        return #"{"displayTimeUnit":"ms","traceEvents":["# + (names + steps).joined(separator: ",\n") + "]}\n"
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case _ where scalar.value < 32: " "
            default: "\(scalar)"
            }
        }
        return "\"" + escaped.joined() + "\""
    }
}
