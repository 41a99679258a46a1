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

    init(_ first: DiagramMatching.Points, _ second: DiagramMatching.Points) {
        let (n, m) = (first.count, second.count)
        func toDiagonal(_ points: DiagramMatching.Points) -> [Double] {
            (0..<points.count).map { DiagramNorm.maximum.distanceToDiagonal(points.deaths[$0] - points.births[$0]) }
        }
        let (rest, otherRest) = (toDiagonal(first), toDiagonal(second))
        var distances = [Double](repeating: 0, count: n * m)
        for i in 0..<n {
            for j in 0..<m {
                distances[i * m + j] = DiagramNorm.maximum.distance(
                    first.births[i] - second.births[j], first.deaths[i] - second.deaths[j])
            }
        }
        // All going to the diagonal is one matching, so nothing farther decides.
        let most = max(rest.max() ?? 0, otherRest.max() ?? 0)
        var candidates: [(distance: Double, whose: Decisive)] = [(0, .none)]
        candidates += rest.indices.map { (rest[$0], .first($0)) } + otherRest.indices.map { (otherRest[$0], .second($0)) }
        for place in distances.indices where distances[place] < most { candidates.append((distances[place], .pair(place / m, place % m))) }
        candidates.sort { $0.distance < $1.distance }
        func fits(_ limit: Double) -> Bool {
            Self.canMatch(rest.indices.filter { rest[$0] > limit }, m) { distances[$0 * m + $1] <= limit }
                && Self.canMatch(otherRest.indices.filter { otherRest[$0] > limit }, n) { distances[$1 * m + $0] <= limit }
        }
        var (low, high) = (0, candidates.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if fits(candidates[middle].distance) { high = middle } else { low = middle + 1 }
        }
        decisive = candidates[low].whose
    }

    /// Whether each of some points can have a partner of its own, by augmenting paths.
    private static func canMatch(_ points: [Int], _ others: Int, _ isNear: (Int, Int) -> Bool) -> Bool {
        guard points.count <= others else { return false }
        var partner = [Int](repeating: -1, count: others)
        var visited = [Int](repeating: -1, count: others)
        for (round, start) in points.enumerated() {
            // A path in breadth: from where each partner was reached.
            var (queue, from) = ([start], [Int: Int]())
            var (head, end) = (0, -1)
            while head < queue.count, end < 0 {
                let point = queue[head]
                head += 1
                for other in 0..<others where visited[other] != round && isNear(point, other) {
                    visited[other] = round
                    from[other] = point
                    if partner[other] < 0 {
                        end = other
                        break
                    }
                    queue.append(partner[other])
                }
            }
            guard end >= 0 else { return false }
            while let point = from[end] {
                let previous = partner.firstIndex(of: point)
                partner[end] = point
                guard point != start, let previous else { break }
                end = previous
            }
        }
        return true
    }
}
