import Foundation

/// Runs in turn of several who do the same, so that whatever else the machine does slows all of them.
struct Race {
    /// A slow one need not have as many turns as the others, once it has run for so long.
    private let patience = 1.5
    /// The first one has all its turns, unless they take so long together.
    private let stamina = 20.0
    /// Seconds from which on a run that nothing went before counts too.
    private static let isLong = 4.0
    private var times: [[Double]]

    init(count: Int) { times = Array(repeating: [], count: count) }

    /// One turn, the same for everybody and in `Peers/peer.py`: a run that is not timed, which brings the threads and the inputs back that others
    /// have driven out, then three that are, of which the middle one counts; of what takes long, one,
    /// and of what takes very long the first itself.
    static func turn(_ body: () throws -> Void) rethrows -> Double {
        let first = try Stopwatch.seconds(body)
        guard first < isLong else { return first }
        return try (0..<(first < 0.1 ? 3 : 1)).map { _ in try Stopwatch.seconds(body) }.median
    }

    mutating func run(_ index: Int, _ turn: () throws -> Double) rethrows {
        guard times[index].reduce(0, +) < (index == 0 ? stamina : patience) else { return }
        // Threads of the one before may still be spinning for more work.
        if times.count > 1 { Thread.sleep(forTimeInterval: 0.01) }
        times[index].append(try turn())
    }

    /// How far apart the middle half of the turns lie, as a part of the median; nil for too few turns to tell.
    func spread(_ index: Int) -> Double? {
        let sorted = times[index].dropFirst(times[index].count > 1 ? 1 : 0).sorted()
        guard sorted.count >= 3 else { return nil }
        return (sorted[sorted.count * 3 / 4] - sorted[sorted.count / 4]) / sorted.median
    }

    /// The first turn does not count if there are others.
    func median(_ index: Int) -> Double { Array(times[index].dropFirst(times[index].count > 1 ? 1 : 0)).median }
}
