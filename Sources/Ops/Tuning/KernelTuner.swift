import LossKitDevice

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Measures which values of its tunable parameters serve an OpenCL device best.
///
/// Values run in turn, round after round, so that what else the machine does falls on all of them alike. A value is changed only where
/// it is faster by more than noise, and is faster again when it is measured once more against the one before.
package struct KernelTuner {
    /// What was found about one parameter.
    package struct Finding: Sendable {
        package let tunable: Tunable
        /// What was run.
        package let work: String
        package let before: Int
        package let after: Int
        /// The sums of the medians of all sizes; measured side by side.
        package let secondsBefore: Double
        package let secondsAfter: Double
        /// The geometric mean over the sizes of how many times faster they became.
        package let gain: Double
    }

    private let device: Device
    private let rounds: Int
    private let share: Int
    /// A gain below this is not told from noise.
    private static let leastGain = 1.03

    /// - Parameters:
    ///   - rounds: How often each value runs at each size.
    ///   - share: By what the sizes are divided, for tests.
    package init(device: Device, rounds: Int = 7, share: Int = 1) {
        (self.device, self.rounds, self.share) = (device, max(1, rounds), max(1, share))
    }

    /// The parameters that the device has a choice for; none for the CPU.
    package var tunables: [Tunable] {
        guard let traits = device.traits else { return [] }
        return Tunable.allCases.filter { $0.allowed(on: traits).count > 1 }
    }

    /// Measures all parameters, one after the other, and says what the device is best tuned to.
    ///
    /// - Parameter progress: Told before each parameter, and with nil at the end.
    package func run(progress: (_ done: Int, _ tunable: Tunable?) -> Void) throws -> (tuning: Tuning, findings: [Finding]) {
        var tuning = device.tuning
        let findings = try tunables.enumerated().map { index, tunable in
            progress(index, tunable)
            let finding = try find(tunable, within: tuning)
            if finding.after != finding.before { tuning[tunable] = finding.after }
            return finding
        }
        progress(findings.count, nil)
        return (tuning, findings)
    }

    private func find(_ tunable: Tunable, within tuning: Tuning) throws -> Finding {
        let work = try TuningWork(tunable, on: device, share: share)
        let before = device.tuned(tunable) ?? 0
        func finding(_ before: Int, _ old: [Double], _ after: Int, _ new: [Double]) -> Finding {
            Finding(
                tunable: tunable, work: work.name, before: before, after: after, secondsBefore: old.reduce(0, +),
                secondsAfter: new.reduce(0, +), gain: Self.gain(old, new))
        }
        let others = device.traits.map { tunable.allowed(on: $0).filter { $0 != before } } ?? []
        let values = [before] + others.filter { runs($0, of: tunable, work, tuning) }
        let first = try medians(values, of: tunable, work, tuning)
        let gains = first.map { times in Self.gain(first[0], times) }
        guard let best = gains.indices.max(by: { gains[$0] < gains[$1] }), gains[best] > Self.leastGain else {
            return finding(before, first[0], before, first[0])
        }
        let again = try medians([before, values[best]], of: tunable, work, tuning)
        return Self.gain(again[0], again[1]) > Self.leastGain
            ? finding(before, again[0], values[best], again[1]) : finding(before, again[0], before, again[0])
    }

    /// Whether the driver takes a value: kernels may need more of a device than its limits tell.
    private func runs(_ value: Int, of tunable: Tunable, _ work: TuningWork, _ tuning: Tuning) -> Bool {
        do {
            for size in work.sizes { _ = try seconds(size, value, of: tunable, tuning) }
            return true
        } catch {
            device.reset()
            return false
        }
    }

    /// For each value the median seconds at each size.
    private func medians(_ values: [Int], of tunable: Tunable, _ work: TuningWork, _ tuning: Tuning) throws -> [[Double]] {
        var times = values.map { _ in work.sizes.map { _ in [Double]() } }
        // What is compiled or allocated first is not measured.
        for round in 0...rounds {
            for (size, body) in work.sizes.enumerated() {
                for (index, value) in values.enumerated() {
                    let time = try seconds(body, value, of: tunable, tuning)
                    if round > 0 { times[index][size].append(time) }
                }
            }
        }
        return times.map { $0.map { $0.sorted()[$0.count / 2] } }
    }

    private func seconds(_ body: () throws -> Void, _ value: Int, of tunable: Tunable, _ tuning: Tuning) throws -> Double {
        var trial = tuning
        trial[tunable] = value
        return try Tuning.$trial.withValue(trial) {
            let start = Clock.nanoseconds
            try body()
            try device.synchronize()
            return Double(max(1, Clock.nanoseconds - start)) * 1e-9
        }
    }

    /// The geometric mean over the sizes of how many times faster the one is than the other.
    private static func gain(_ before: [Double], _ after: [Double]) -> Double {
        exp(zip(before, after).map { log($0 / $1) }.reduce(0, +) / Double(max(1, before.count)))
    }
}
