/// Finds the distance that decides how well two diagrams can be matched.
///
/// Within a distance t every point that is farther than t from the diagonal has to be matched. Points of both diagrams can be so at once
/// if those of either one can be on their own (Mendelsohn and Dulmage): so a matching of each side's points to all of the other's is
/// enough.
struct BottleneckSearch {
    /// Whose distance decides.
    enum Decisive {
        case none
        case pair(Int, Int)
        /// A point of the first or of the second diagram, to the diagonal.
        case first(Int)
        case second(Int)
    }

    private(set) var decisive = Decisive.none
    private let first: DiagramMatching.Points
    private let second: DiagramMatching.Points
    private let rest: [Double]
    private let otherRest: [Double]
    private let order: [Int]
    private let otherOrder: [Int]

    /// What decides exactly, or a distance that is larger by no more than `error`.
    init(_ first: DiagramMatching.Points, _ second: DiagramMatching.Points, error: Double) {
        func toDiagonal(_ points: DiagramMatching.Points) -> [Double] {
            (0..<points.count).map { DiagramNorm.maximum.distanceToDiagonal(points.deaths[$0] - points.births[$0]) }
        }
        (self.first, self.second, rest, otherRest) = (first, second, toDiagonal(first), toDiagonal(second))
        order = (0..<first.count).sorted { first.births[$0] < first.births[$1] }
        otherOrder = (0..<second.count).sorted { second.births[$0] < second.births[$1] }
        decisive = error > 0 ? nearlyDecisive(error) : exactlyDecisive()
    }

    /// All going to the diagonal is one matching, so nothing farther decides.
    private var most: Double { max(rest.max() ?? 0, otherRest.max() ?? 0) }

    private func distance(_ i: Int, _ j: Int) -> Double {
        DiagramNorm.maximum.distance(first.births[i] - second.births[j], first.deaths[i] - second.deaths[j])
    }

    /// The matchings of either side's points that are farther from the diagonal than a limit.
    private func matchings(within limit: Double) -> (BottleneckMatching, BottleneckMatching)? {
        guard
            let own = BottleneckMatching(
                of: rest.indices.filter { rest[$0] > limit }, in: first, among: second, byBirths: otherOrder, within: limit),
            let others = BottleneckMatching(
                of: otherRest.indices.filter { otherRest[$0] > limit }, in: second, among: first, byBirths: order, within: limit)
        else { return nil }
        return (own, others)
    }

    /// By halving the list of all distances there are.
    private func exactlyDecisive() -> Decisive {
        let most = most
        var candidates: [(distance: Double, whose: Decisive)] = [(0, .none)]
        candidates += rest.indices.map { (rest[$0], .first($0)) } + otherRest.indices.map { (otherRest[$0], .second($0)) }
        for i in rest.indices {
            for j in otherRest.indices {
                let distance = distance(i, j)
                if distance < most { candidates.append((distance, .pair(i, j))) }
            }
        }
        candidates.sort { $0.distance < $1.distance }
        var (low, high) = (0, candidates.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if matchings(within: candidates[middle].distance) != nil { high = middle } else { low = middle + 1 }
        }
        return candidates[low].whose
    }

    /// By halving an interval, then the largest distance of the matchings that were found: the least is no larger.
    private func nearlyDecisive(_ error: Double) -> Decisive {
        var (low, high) = (0.0, most)
        var found = matchings(within: high)
        while high - low > error, low < (low + high) / 2, (low + high) / 2 < high {
            let middle = (low + high) / 2
            if let better = matchings(within: middle) { (high, found) = (middle, better) } else { low = middle }
        }
        var candidates: [(distance: Double, whose: Decisive)] = [(0, .none)]
        candidates += rest.indices.filter { rest[$0] <= high }.map { (rest[$0], .first($0)) }
        candidates += otherRest.indices.filter { otherRest[$0] <= high }.map { (otherRest[$0], .second($0)) }
        candidates += (found?.0.partners ?? [:]).map { (distance($0.key, $0.value), .pair($0.key, $0.value)) }
        candidates += (found?.1.partners ?? [:]).map { (distance($0.value, $0.key), .pair($0.value, $0.key)) }
        return candidates.max { $0.distance < $1.distance }?.whose ?? .none
    }
}
