import LossKit

/// A list of texts as C passes it.
public typealias Names = UnsafePointer<UnsafePointer<CChar>?>
/// A list of tensors as C passes it.
public typealias Handles = UnsafePointer<OpaquePointer?>

/// Inputs that C states as a count and two lists.
private func inputs(_ count: Int, _ names: Names?, _ handles: Handles?, _ operation: String) throws -> [String: Tensor] {
    var inputs: [String: Tensor] = [:]
    guard count != 0 else { return inputs }
    try checkCount(count, operation)
    let (names, handles) = (try present(names, "names", operation), try present(handles, "inputs", operation))
    for index in 0..<count {
        inputs[try text(names[index], "names[\(index)]", operation)] = try TensorHandle.tensor(handles[index], "inputs[\(index)]", operation)
    }
    return inputs
}

private func checkCount(_ count: Int, _ operation: String) throws {
    guard (0...1024).contains(count) else {
        throw TensorError.invalidArgument(operation: operation, expected: "at most 1024 names", actual: "\(UInt(bitPattern: count))")
    }
}

private func options(_ options: UnsafePointer<CChar>?, _ operation: String) throws -> [String: String] {
    try options.map { try OptionText.parsed(String(cString: $0), operation) } ?? [:]
}

/// How many losses there are.
@_cdecl("losskit_loss_count")
public func lossCount() -> Int { LossRegistry.all.count }

/// A loss's name.
@_cdecl("losskit_loss_name")
public func lossName(_ index: Int) -> UnsafePointer<CChar>? { Texts.lossName(index) }

/// A loss of inputs by their names.
@_cdecl("losskit_evaluate")
public func evaluateLoss(
    _ name: UnsafePointer<CChar>?, _ count: Int, _ names: Names?, _ handles: Handles?, _ settings: UnsafePointer<CChar>?,
    _ value: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    call {
        let operation = "losskit_evaluate"
        let result = try present(value, "value", operation)
        let loss = try LossRegistry.loss(named: text(name, "loss", operation))
        let tensor = try loss(inputs(count, names, handles, operation), options: options(settings, operation)).evaluated()
        result.pointee = TensorHandle.retained(tensor)
    }
}

/// A loss and its gradients.
@_cdecl("losskit_differentiate")
public func differentiateLoss(
    _ name: UnsafePointer<CChar>?, _ count: Int, _ names: Names?, _ handles: Handles?, _ settings: UnsafePointer<CChar>?,
    _ cotangent: OpaquePointer?, _ gradientCount: Int, _ gradientNames: Names?, _ value: UnsafeMutablePointer<OpaquePointer?>?,
    _ gradients: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    call {
        let operation = "losskit_differentiate"
        let result = try present(value, "value", operation)
        let loss = try LossRegistry.loss(named: text(name, "loss", operation))
        try checkCount(gradientCount, operation)
        let wanted = try (0..<gradientCount).map {
            try text(present(gradientNames, "gradient_names", operation)[$0], "gradient_names[\($0)]", operation)
        }
        let targets = wanted.isEmpty ? nil : try present(gradients, "gradients", operation)
        let (found, slopes) = try loss.valueWithGradients(
            at: wanted, inputs(count, names, handles, operation), options: options(settings, operation),
            cotangent: cotangent.map { try TensorHandle.tensor($0, "cotangent", operation) })
        // All of it first: a failure leaves nothing half written.
        let results = try ([found] + slopes).map { try $0.evaluated() }
        result.pointee = TensorHandle.retained(results[0])
        for (index, slope) in results.dropFirst().enumerated() { targets?[index] = TensorHandle.retained(slope) }
    }
}
