import Foundation
import LossKitConsole

typealias Console = LossKitConsole.Console

enum Stopwatch {
    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = Console.seconds()
        try body()
        return Console.seconds() - start
    }
}

extension [Double] {
    /// The upper one of the middle, NaN where there is none.
    var median: Double { isEmpty ? .nan : sorted()[count / 2] }
}

extension Double {
    func formatted(_ digits: Int) -> String { String(format: "%.\(digits)f", self) }

    /// Seconds in thousandths, with as many digits as mean something.
    var milliseconds: String { "\((self * 1e3).formatted(self < 0.01 ? 3 : self < 0.1 ? 2 : self < 1 ? 1 : 0)) ms" }
}
