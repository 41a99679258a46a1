import Foundation
import LossKit
@testable import LossKitOracles
import LossKitTestSupport

extension LossCase {
    /// What a failure says: the combination with its seed, and the command that shows it from a shell, on inputs saved for it.
    func reproduction(_ given: LossOracle.Given, seed: UInt64, on device: Device, gradientOf name: String? = nil) -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("losskit-failed-\(UUID().uuidString)")
        var words = ["losskit eval \(self.name) --device \(device.isOpenCL ? "opencl" : "cpu")"]
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for (input, tensor) in try tensors(given, on: .cpu).sorted(by: { $0.key < $1.key }) {
                let path = folder.appendingPathComponent("\(input).npy").path
                try tensor.save(path)
                words.append("--input \(input)=\(path)")
            }
            words += try settings().sorted { $0.key < $1.key }.map { "--option \($0.key)=\($0.value)" }
            if let name { words.append("--gradient \(name)=\(folder.appendingPathComponent("gradient.npy").path)") }
        } catch {
            words.append("(the inputs could not be saved: \(error))")
        }
        return "\(testDescription), seed \(seed), on \(device): \(words.joined(separator: " "))"
    }
}
