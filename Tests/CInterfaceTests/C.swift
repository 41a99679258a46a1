import CLossKit
import Foundation
import LossKit
import Testing

/// Shorter words for calls of the interface.
enum C {
    static let devices = Device.all.map { String($0.label.prefix { $0 != " " }) }

    static func expectOK(_ status: losskit_status, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try #require(Int(status) == LOSSKIT_OK, "\(String(cString: losskit_last_error()))", sourceLocation: sourceLocation)
    }

    static func tensor<S: TensorScalar>(_ values: [S], _ shape: [Int64], on device: String) throws -> OpaquePointer? {
        var tensor: OpaquePointer?
        try expectOK(losskit_tensor_create(values, losskit_dtype(S.dtype.code), shape.count, shape, device, &tensor))
        return tensor
    }

    static func floats(_ tensor: OpaquePointer?) throws -> [Float] {
        var count = 0
        try expectOK(losskit_tensor_byte_count(tensor, &count))
        var values = [Float](repeating: 0, count: count / 4)
        try expectOK(losskit_tensor_copy(tensor, &values, count))
        return values
    }

    static func withTexts<Result>(_ texts: [String], _ body: ([UnsafePointer<CChar>?]) -> Result) -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies.map { UnsafePointer($0) })
    }

    static func evaluate(
        _ loss: String, _ inputs: KeyValuePairs<String, OpaquePointer?>, _ options: String?, _ value: inout OpaquePointer?
    ) -> losskit_status {
        withTexts(inputs.map(\.key)) { losskit_evaluate(loss, inputs.count, $0, inputs.map(\.value), options, &value) }
    }
}

extension Thread {
    static func run(_ body: @escaping @Sendable () -> Void) { Thread(block: body).start() }
}
