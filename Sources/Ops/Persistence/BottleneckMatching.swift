/// Partners for some points of a diagram among the points of another one, no farther away than a limit.
struct BottleneckMatching {
    /// Places of partners by places of points.
    private(set) var partners: [Int: Int] = [:]
    private let own: DiagramMatching.Points
    private let others: DiagramMatching.Points
    /// The others by their births.
    private let order: [Int]
    private let limit: Double

    /// By augmenting paths; nil where not every one of the points can have a partner of its own.
    init?(
        of points: [Int], in own: DiagramMatching.Points, among others: DiagramMatching.Points, byBirths order: [Int], within limit: Double
    ) {
        guard points.count <= others.count else { return nil }
        (self.own, self.others, self.order, self.limit) = (own, others, order, limit)
        var owner = [Int](repeating: -1, count: others.count)
        for point in points where !augment(from: point, &owner) { return nil }
    }

    /// Finds a path in breadth from a point to somebody without a partner, and passes partners on along it.
    private mutating func augment(from start: Int, _ owner: inout [Int]) -> Bool {
        // The next place in the order that nobody has come to.
        var next = Array(0...order.count), from: [Int: Int] = [:], queue = [start], head = 0
        func unvisited(_ place: Int) -> Int {
            var place = place
            while next[place] != place {
                next[place] = next[next[place]]
                place = next[place]
            }
            return place
        }
        while head < queue.count {
            let point = queue[head]
            head += 1
            var place = unvisited(firstPlace(from: own.births[point] - limit))
            while place < order.count, others.births[order[place]] - own.births[point] <= limit {
                let other = order[place]
                if abs(others.births[other] - own.births[point]) <= limit, abs(others.deaths[other] - own.deaths[point]) <= limit {
                    next[place] = place + 1
                    from[other] = point
                    guard owner[other] >= 0 else {
                        pass(from: start, to: other, along: from, &owner)
                        return true
                    }
                    queue.append(owner[other])
                }
                place = unvisited(place + 1)
            }
        }
        return false
    }

    private mutating func pass(from start: Int, to last: Int, along path: [Int: Int], _ owner: inout [Int]) {
        var other: Int? = last
        while let taken = other, let point = path[taken] {
            other = point == start ? nil : partners[point]
            (partners[point], owner[taken]) = (taken, point)
        }
    }

    private func firstPlace(from birth: Double) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if others.births[order[middle]] < birth { low = middle + 1 } else { high = middle }
        }
        // One before may be as near by the rounding of a difference.
        return max(0, low - 1)
    }
}
