import CLossKitHost

/// A matching of two diagrams' points that costs little more than the cheapest one, on the host in doubles and O(n + m) memory.
package struct DiagramAuction: Sendable {
    /// A diagram's points, and what it costs to leave each alone.
    package struct Points {
        let births: [Double]
        let deaths: [Double]
        let rest: [Double]

        package init(births: [Double], deaths: [Double], rest: [Double]) { (self.births, self.deaths, self.rest) = (births, deaths, rest) }
    }

    /// The second points' places by the first ones', nil for those that are left alone.
    package let partners: [Int?]

    /// - Parameters:
    ///   - order: A pair costs its distance to this power.
    ///   - isEuclidean: Whether distances are Euclidean, else the larger one of births' and deaths'.
    ///   - relativeError: The cost is at most 1 + `relativeError` times the least, or more by a thousand-millionth of what leaving all alone costs.
    package init(_ first: Points, _ second: Points, order: Double, isEuclidean: Bool, relativeError: Double) {
        let (n, m) = (first.births.count, second.births.count)
        let lists = [first.births, first.deaths, first.rest, second.births, second.deaths, second.rest]
        guard n > 0, m > 0 else {
            partners = [Int?](repeating: nil, count: n)
            return
        }
        let numbers = UnsafeMutableBufferPointer<Double>.allocate(capacity: 4 * (n + m))
        let places = UnsafeMutableBufferPointer<Int64>.allocate(capacity: 3 * (n + m))
        defer {
            numbers.deallocate()
            places.deallocate()
        }
        _ = numbers.initialize(from: lists.joined() + [Double](repeating: 0, count: n + m))
        places.initialize(repeating: -1)
        let starts = lists.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
        func part(_ list: Int) -> UnsafePointer<Double>? { UnsafePointer(numbers.baseAddress.map { $0 + starts[list] }) }
        let partner = places.baseAddress
        let auction = losskit_auction(
            n: Int64(n), m: Int64(m), births: part(0), deaths: part(1), other_births: part(3), other_deaths: part(4), rest: part(2),
            other_rest: part(5), order: order, is_euclidean: isEuclidean ? 1 : 0, prices: numbers.baseAddress.map { $0 + starts[6] },
            owner: partner.map { $0 + n + m }, partner: partner, queue: partner.map { $0 + 2 * (n + m) })
        let alone = (first.rest + second.rest).reduce(0, +)
        // Prices come near to what they will be in long steps, from where short ones reach it soon.
        var step = alone / Double(4 * (n + m))
        while true {
            let cost = withUnsafePointer(to: auction) { losskit_auction_run($0, step) }
            let excess = Double(n + m) * step
            guard excess > relativeError * (cost - excess), excess > 1e-9 * alone else { break }
            step /= 5
        }
        partners = (0..<n).map { places[$0] < m ? Int(places[$0]) : nil }
    }
}
