import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// What is made of transport: couplings of batches, colours.
@Suite struct TransportApplicationTests {
    @Test(arguments: Device.all)
    func batchesArePaired(device: Device) throws {
        var random = SplitMix64(seed: 21)
        let x = try Tensor(random.values(24).map { Float($0) }, shape: [6, 2, 2], on: device)
        let order = [3, 0, 5, 1, 4, 2]
        let y = try x.rows(at: Tensor(order.map { Int64($0) }, on: device)) + 0.01
        let partners = try minibatchCoupling(x, y).array(of: Int.self)
        #expect(partners.map { order[$0] } == Array(0..<6))
        try expectClose(minibatchTransport(x.reshaped([6, 4]), y.reshaped([6, 4])), [4 * 0.01 * 0.01 / 2], tolerance: 1e-6)
        #expect(throws: TensorError.self) { try minibatchCoupling(x, y[0..<5]) }
    }

    /// Colours that are the reference's, scaled and moved, come back as those; no colour leaves the reference's range.
    @Test(arguments: Device.all)
    func colorsAreTransferred(device: Device) throws {
        var random = SplitMix64(seed: 22)
        let reference = try Tensor(random.values(10 * 12 * 3, in: 0...1).map { Float($0) }, shape: [10, 12, 3], on: device)
        let image = reference * 0.5 + 0.2
        let mapped = try colorTransfer(image: image, reference: reference, epsilon: 2e-4, tolerance: 1e-3)
        #expect(mapped.shape == image.shape)
        let off = try (mapped - reference).absolute().mean().scalar()
        #expect(off < 0.02, "off by \(off)")
        let high = try mapped.max().scalar()
        #expect(try mapped.min().scalar() >= 0 && high <= 1)
        #expect(throws: TensorError.self) { try colorTransfer(image: image, reference: reference[0], epsilon: 0) }
        #expect(throws: TensorError.self) { try colorTransfer(image: image, reference: Tensor.zeros([4, 2], on: device)) }
    }
}
