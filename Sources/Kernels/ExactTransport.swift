import CLossKitHost

/// Exact transport of masses between few sources and sinks, on the host in doubles.
package struct ExactTransport: Sendable {
    /// [m, n]: what goes from each source to each sink, by sinks.
    package let plan: [Double]
    /// [n] and [m]: sums of theirs are at most the cost, and equal it where mass moves.
    package let potentials: (sources: [Double], sinks: [Double])

    /// - Parameters:
    ///   - cost: [n, m], finite.
    ///   - supply: [n], all of which is sent.
    ///   - demand: [m], with a sum no less than the supplies' up to rounding; sinks may be left with some.
    package init(cost: [Double], supply: [Double], demand: [Double]) {
        let (n, m) = (supply.count, demand.count)
        let numbers = UnsafeMutableBufferPointer<Double>.allocate(capacity: n * m + 2 * n + 3 * m + 1)
        let places = UnsafeMutableBufferPointer<Int64>.allocate(capacity: n + m + 1)
        let flags = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: n + m + 1)
        defer {
            numbers.deallocate()
            places.deallocate()
            flags.deallocate()
        }
        numbers.initialize(repeating: 0)
        places.initialize(repeating: 0)
        flags.initialize(repeating: 0)
        var taken = 0
        func part(_ count: Int) -> UnsafeMutableBufferPointer<Double> {
            defer { taken += count }
            return UnsafeMutableBufferPointer(rebasing: numbers[taken..<taken + count])
        }
        let (plan, u, v, distance) = (part(n * m), part(n), part(m), part(m))
        let (left, wanted) = (part(n), part(m))
        _ = left.update(fromContentsOf: supply)
        _ = wanted.update(fromContentsOf: demand)
        cost.withUnsafeBufferPointer { cost in
            var problem = losskit_exact_transport(
                n: Int64(n), m: Int64(m), cost: cost.baseAddress, supply: left.baseAddress, demand: wanted.baseAddress,
                plan: plan.baseAddress, u: u.baseAddress, v: v.baseAddress, distance: distance.baseAddress, source: places.baseAddress,
                sink: UnsafeMutableBufferPointer(rebasing: places[m...]).baseAddress, done: flags.baseAddress,
                reached: UnsafeMutableBufferPointer(rebasing: flags[m...]).baseAddress)
            losskit_exact_transport_solve(&problem)
        }
        self.plan = Array(plan)
        potentials = (Array(u), Array(v))
    }
}
