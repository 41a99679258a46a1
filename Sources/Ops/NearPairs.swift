import LossKitDevice
import LossKitKernels
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The pairs that matter in soft minima of half squared distances between many points in few dimensions, on the CPU.
///
/// Points lie along a Hilbert curve, so that a tile of rows and a block of columns are near one another or not. A sweep over all pairs sees which
/// blocks have a part in a row's sum; others go by what it saw until the potentials have moved too far from there. What is left out is below 1e-9 of
/// a row's sum for each block.
struct NearPairs: Sendable {
    /// From so many pairs of points in so few dimensions on, it is worth while.
    private static let (leastPairs, fewDimensions) = (1 << 22, 3)
    /// The part of a row's sum that may be left out for each block.
    private static let least = 1e-9
    /// How many epsilons differences of potentials may change until the next search, and the next survey: parts of a sum change by as many powers
    /// of e at most.
    private static let mostDrift = (search: 4.0, survey: 20.0)

    static func isWorthWhile(pairs: Int, d: Int, cost: SoftMinKernels.Cost, on device: Device) -> Bool {
        pairs >= leastPairs && (1...fewDimensions).contains(d) && cost == .halfSquare && device.kind == .cpu
    }

    private let columns: [NearColumns]
    private let epsilon: Double
    /// The potentials of the last search and of the last survey.
    private var searched: Tensor
    private let surveyed: Tensor

    /// What is known when the next sweep is over, and what that has to do; as ``Memory`` has it.
    private static func next(
        _ seen: NearPairs?, problems: [(rows: Int, columns: Int)], potentials: Tensor, sections: [Range<Int>], epsilon: Double
    ) throws -> (seen: NearPairs, sweep: NearColumns.Sweep) {
        func drift(_ before: Tensor) throws -> Double {
            let change = potentials - before
            return try sections.map { section in
                let part = try change.slice(axis: -1, from: section.lowerBound, to: section.upperBound)
                return Double(try (part.max() - part.min()).scalar()) / epsilon
            }.reduce(0) { $1 <= $0 ? $0 : $1 }
        }
        if var seen, seen.epsilon == epsilon {
            if try drift(seen.searched) <= mostDrift.search { return (seen, .go) }
            if try drift(seen.surveyed) <= mostDrift.survey {
                seen.searched = potentials
                return (seen, .search)
            }
        }
        let searched = least * exp(-mostDrift.search)
        let columns = try seen?.columns
            ?? problems.map { try NearColumns(n: $0.rows, m: $0.columns, least: searched, remote: searched * exp(-mostDrift.survey)) }
        return (NearPairs(columns: columns, epsilon: epsilon, searched: potentials, surveyed: potentials), .survey)
    }

    private func sweeping(_ sweep: NearColumns.Sweep) -> [NearColumns] { columns.map { $0.sweeping(sweep) } }

    /// What is known from one sweep to the next.
    final class Memory: Sendable {
        private let problems: [(rows: Int, columns: Int)]
        private let sections: [Range<Int>]
        private let seen = Mutex<NearPairs?>(nil)

        /// - Parameters:
        ///   - problems: The rows and columns of problems that are swept together.
        ///   - sections: Potentials that belong together, along the last axis.
        init(problems: [(rows: Int, columns: Int)], sections: [Range<Int>]) { (self.problems, self.sections) = (problems, sections) }

        /// Sweeps by the lists for these potentials.
        ///
        /// - Parameter learns: Whether `body` sees all rows, so that lists can be found; otherwise it gets none where those are not known.
        func sweep<Minima>(
            potentials: Tensor, epsilon: Double, learns: Bool = true, _ body: ([NearColumns]?) throws -> Minima
        ) throws -> Minima {
            let (known, sweep) = try NearPairs.next(
                seen.withLock { $0 }, problems: problems, potentials: potentials, sections: sections, epsilon: epsilon)
            if sweep == .go { return try body(known.sweeping(.go)) }
            guard learns else { return try body(nil) }
            // The lists of a sweep that fails are of no potentials.
            seen.withLock { $0 = nil }
            let minima = try body(known.sweeping(sweep))
            seen.withLock { $0 = known }
            return minima
        }
    }
}
