extension Tensor {
    /// Throws unless the elements of a matrix [n, n] are distances: symmetric, not negative and 0 on the diagonal.
    func requireDistances(_ operation: String) throws {
        let (n, fixed) = (shape[0], stopGradient(self))
        let isElsewhere = try Tensor.eye(n, on: device) .== 0
        let isDistance = try ((fixed .>= 0) .&& (fixed .== fixed.transposed())) .&& (isElsewhere .|| (fixed .== 0))
        guard let place = try isDistance.booleans().firstIndex(of: false) else { return }
        throw TensorError.invalidArgument(
            operation: operation, expected: "distances that are symmetric, not negative and 0 on the diagonal",
            actual: "\(try fixed.array(of: Double.self)[place]) at [\(place / n), \(place % n)]")
    }
}
