import LossKitOps

/// Throws an error that names the first element of a tensor that is not as expected, and its place.
func requireAll(_ tensor: Tensor, _ operation: String, _ expected: String, _ isValid: (Tensor) throws -> Tensor) throws {
    let valid = try isValid(tensor)
    guard try !valid.all().booleans()[0], let place = try valid.flattened().booleans().firstIndex(of: false) else { return }
    var (rest, indices) = (place, [Int]())
    for extent in tensor.shape.reversed() {
        indices.insert(rest % extent, at: 0)
        rest /= extent
    }
    let value = try stopGradient(tensor).flattened()[place].scalar()
    throw TensorError.invalidArgument(operation: operation, expected: expected, actual: "\(value) at \(indices)")
}
