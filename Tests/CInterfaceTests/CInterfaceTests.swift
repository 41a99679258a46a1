import CLossKit
import Foundation
import LossKit
import LossKitTestSupport
import Testing

// The symbols that the header declares.
@_exported import LossKitCInterface

/// The interface as C sees it: everything here goes through `losskit.h`.
@Suite struct CInterfaceTests {
    @Test func listsDevicesAndLosses() {
        #expect(losskit_device_count() == Device.all.count)
        #expect(String(cString: losskit_device_label(0)) == "cpu")
        #expect(losskit_device_name(Device.all.count) == nil)
        let names = (0..<losskit_loss_count()).compactMap { losskit_loss_name($0).map { String(cString: $0) } }
        #expect(names == LossRegistry.all.map(\.name))
        #expect(losskit_loss_name(.max) == nil)
    }

    @Test(arguments: C.devices) func tensorsComeBackAsTheyWere(device: String) throws {
        let values: [Float] = [1, -2, 3.5, 0, 4, .infinity]
        let tensor = try C.tensor(values, [2, 3], on: device)
        defer { losskit_tensor_free(tensor) }
        var (dtype, rank, count) = (losskit_dtype(-1), 0, 0)
        #expect(losskit_tensor_dtype(tensor, &dtype) == LOSSKIT_OK && Int(dtype) == LOSSKIT_FLOAT32)
        #expect(losskit_tensor_rank(tensor, &rank) == LOSSKIT_OK && rank == 2)
        #expect(losskit_tensor_byte_count(tensor, &count) == LOSSKIT_OK && count == 24)
        var extents: [Int64] = [0, 0]
        #expect(losskit_tensor_shape(tensor, 2, &extents) == LOSSKIT_OK && extents == [2, 3])
        #expect(try C.floats(tensor) == values)
    }

    @Test(arguments: C.devices, ["{\"labelSmoothing\": 0.1, \"reduction\": \"none\"}", " labelSmoothing = 0.1; reduction=none"])
    func evaluatesWithOptions(device: String, options: String) throws {
        let (logits, labels): ([Float], [Int64]) = ([0.5, -1, 2, 1, 0.25, -0.5], [2, 0])
        let (first, second) = (try C.tensor(logits, [2, 3], on: device), try C.tensor(labels, [2], on: device))
        defer { for tensor in [first, second] { losskit_tensor_free(tensor) } }
        var value: OpaquePointer?
        try C.expectOK(C.evaluate("crossEntropy", ["logits": first, "targets": second], options, &value))
        defer { losskit_tensor_free(value) }
        let expected = (0..<2).map { row in
            let values = logits[3 * row..<3 * row + 3].map(Double.init)
            let normalizer = log(values.map { exp($0) }.reduce(0, +))
            return normalizer - 0.9 * values[3 * 0 + Int(labels[row])] - 0.1 * values.reduce(0, +) / 3
        }
        expectClose(try C.floats(value).map(Double.init), expected, tolerance: 1e-6)
    }

    @Test(arguments: C.devices) func differentiatesWithACotangent(device: String) throws {
        let (predictions, targets): ([Float], [Float]) = ([1, -2, 0.5], [0, 1, 4])
        let weights: [Float] = [0.25, -1, 2]
        let tensors = try [predictions, targets, weights].map { try C.tensor($0, [3], on: device) }
        defer { for tensor in tensors { losskit_tensor_free(tensor) } }
        var (value, gradients): (OpaquePointer?, [OpaquePointer?]) = (nil, [nil, nil])
        let status = C.withTexts(["predictions", "targets"]) { names in
            losskit_differentiate("mse", 2, names, tensors, "reduction=none", tensors[2], 2, names, &value, &gradients)
        }
        try C.expectOK(status)
        defer { for tensor in gradients + [value] { losskit_tensor_free(tensor) } }
        let slopes = (0..<3).map { 2 * Double(weights[$0]) * (Double(predictions[$0]) - Double(targets[$0])) }
        expectClose(try C.floats(gradients[0]).map(Double.init), slopes, tolerance: 1e-6)
        expectClose(try C.floats(gradients[1]).map(Double.init), slopes.map { -$0 }, tolerance: 1e-6)
        #expect(try C.floats(value) == [1, 9, 12.25])
    }

    @Test func badInputIsAStatusAndALine() throws {
        let tensor = try C.tensor([1, 2, 3, 4, 5, 6] as [Float], [2, 3], on: "cpu")
        let other = try C.tensor([1, 2, 3, 4] as [Float], [2, 2], on: "cpu")
        defer { for tensor in [tensor, other] { losskit_tensor_free(tensor) } }
        var value: OpaquePointer?
        func refuses(_ status: losskit_status, _ texts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
            let message = String(cString: losskit_last_error())
            #expect(Int(status) == LOSSKIT_BAD_INPUT, "\(message)", sourceLocation: sourceLocation)
            #expect(value == nil && !message.contains("\n"), sourceLocation: sourceLocation)
            for text in texts { #expect(message.contains(text), "\(message)", sourceLocation: sourceLocation) }
        }
        refuses(C.evaluate("crosEntropy", [:], nil, &value), "did you mean crossEntropy?")
        refuses(C.evaluate("mse", ["predictions": tensor, "targets": other], nil, &value), "[2, 3]", "[2, 2]")
        refuses(C.evaluate("mse", ["predictions": tensor], nil, &value), "targets")
        refuses(C.evaluate("mse", ["predictions": tensor, "targets": nil], nil, &value), "inputs[1]", "NULL")
        refuses(C.evaluate("mse", ["predictions": tensor, "target": tensor], nil, &value), "did you mean targets?")
        refuses(C.evaluate("huber", ["predictions": tensor, "targets": tensor], "{\"delta\": {}}", &value), "JSON")
        refuses(C.evaluate("huber", ["predictions": tensor, "targets": tensor], "delta", &value), "name=value")
        refuses(C.evaluate("huber", ["predictions": tensor, "targets": tensor], "delta=x", &value), "a number for option delta")
        refuses(losskit_evaluate(nil, 0, nil, nil, nil, &value), "loss", "NULL")
        refuses(losskit_evaluate("mse", 2, nil, nil, nil, &value), "names", "NULL")
        refuses(losskit_evaluate("mse", .max, nil, nil, nil, &value), "1024")
        refuses(losskit_evaluate("mse", 0, nil, nil, nil, nil), "value", "NULL")
        refuses(losskit_tensor_create(nil, losskit_dtype(LOSSKIT_FLOAT32), 1, [3], "cpu", &value), "data", "NULL")
        refuses(losskit_tensor_create([1], 99, 1, [1], "cpu", &value), "dtype", "99")
        refuses(losskit_tensor_create([1], losskit_dtype(LOSSKIT_FLOAT32), 1, [-1], "cpu", &value), "[-1]")
        refuses(losskit_tensor_create([1], losskit_dtype(LOSSKIT_FLOAT32), .max, [1], "cpu", &value), "rank")
        refuses(losskit_tensor_create([1], losskit_dtype(LOSSKIT_FLOAT32), 2, [.max, .max], "cpu", &value), "fits in memory")
        refuses(losskit_tensor_create([1], losskit_dtype(LOSSKIT_FLOAT32), 1, [1], "opencl:no such device", &value), "no such device")
        var small: Int64 = 0
        refuses(losskit_tensor_shape(tensor, 1, &small), "room for 2")
        refuses(losskit_tensor_copy(tensor, &small, 8), "24 bytes", "8")
        refuses(losskit_tensor_rank(nil, nil), "NULL")
        var gradient: OpaquePointer?
        let status = C.withTexts(["targts"]) { names in
            C.withTexts(["predictions", "targets"]) { inputs in
                losskit_differentiate("mse", 2, inputs, [tensor, tensor], nil, nil, 1, names, &value, &gradient)
            }
        }
        refuses(status, "predictions, targets", "targts")
        #expect(gradient == nil)
        losskit_tensor_free(nil)
    }

    @Test func everyThreadHasItsOwnMessage() async {
        var rank = 0
        _ = losskit_tensor_rank(nil, &rank)
        let before = String(cString: losskit_last_error())
        let elsewhere = await withCheckedContinuation { continuation in
            Thread.run { continuation.resume(returning: String(cString: losskit_last_error())) }
        }
        #expect(elsewhere.isEmpty)
        #expect(before.contains("losskit_tensor_rank"))
    }
}
