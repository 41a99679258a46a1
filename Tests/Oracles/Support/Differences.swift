/// The central differences of a function of numbers, for each of them.
public func centralDifferences(_ numbers: [Double], step: Double = 1e-6, of function: ([Double]) -> Double) -> [Double] {
    numbers.indices.map { index in
        func moved(_ shift: Double) -> Double {
            var moved = numbers
            moved[index] += shift
            return function(moved)
        }
        return (moved(step) - moved(-step)) / (2 * step)
    }
}
