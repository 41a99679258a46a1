import Foundation
import LossKit

/// While it lives, somebody at a terminal sees that work goes on and for how long.
final class Waiting {
    private let timer: (any DispatchSourceTimer)?

    init() {
        guard Console.showsProgress else {
            timer = nil
            return
        }
        let start = Console.seconds()
        let timer = DispatchSource.makeTimerSource(queue: .global())
        timer.schedule(deadline: .now() + 1, repeating: 0.2)
        timer.setEventHandler {
            let seconds = Console.seconds() - start
            let place = Int(seconds * 5) % 24
            let bar = String((0..<24).map { abs($0 - place) < 3 ? "█" : "░" })
            Console.working("\(bar) \(Int(seconds)) s")
        }
        timer.resume()
        self.timer = timer
    }

    func end() {
        guard let timer, !timer.isCancelled else { return }
        timer.cancel()
        Console.working("")
    }
}
