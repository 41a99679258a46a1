import Foundation
import LossKit
import Synchronization

/// While work goes on, somebody at a terminal sees how far it is and for how long it has gone on.
enum Waiting {
    /// What the work's task tells and the line's timer shows.
    private final class Board: Sendable {
        private let state = Mutex<(progress: WorkProgress?, isOver: Bool)>((nil, false))
        private let start = Console.seconds()

        func note(_ progress: WorkProgress) { state.withLock { $0.progress = progress } }

        func show() {
            state.withLock { state in
                if !state.isOver { Console.working(Waiting.line(state.progress, seconds: Console.seconds() - start)) }
            }
        }

        func clear() {
            state.withLock { state in
                state.isOver = true
                Console.working("")
            }
        }
    }

    /// Runs work, and lets a terminal see that it goes on.
    static func during<Result>(_ work: () throws -> Result) rethrows -> Result {
        guard Console.showsProgress else { return try work() }
        let board = Board()
        let timer = DispatchSource.makeTimerSource(queue: .global())
        timer.schedule(deadline: .now() + 1, repeating: 0.2)
        timer.setEventHandler { board.show() }
        timer.resume()
        defer {
            timer.cancel()
            board.clear()
        }
        return try WorkProgress.$watcher.withValue({ board.note($0) }, operation: work)
    }

    /// A bar of what is done, or where nobody knows a moving one, and the time.
    static func line(_ progress: WorkProgress?, seconds: Double) -> String {
        let width = 24
        guard let progress, progress.total > 0 else {
            let place = Int(seconds * 5) % width
            return String((0..<width).map { abs($0 - place) < 3 ? "█" : "░" }) + " \(Int(seconds)) s"
        }
        let filled = min(width, progress.done * width / progress.total)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        return "\(bar) \(progress.done) of \(progress.total) \(progress.unit), \(Int(seconds)) s"
    }
}
