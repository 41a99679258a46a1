import LossKit

/// The minute's tour of the README.
@main
struct Tour {
    static func main() throws {
        let device = Device.default
        let x = try Tensor((0..<24).map { Float($0 % 7) / 7 }, shape: [8, 3], on: device)
        let y = try Tensor((0..<24).map { Float($0 % 5) / 5 }, shape: [8, 3], on: device)

        let (loss, gradient) = try valueWithGradient(at: x) { x in
            try sinkhornDivergence(x, y, epsilon: 0.05) + 0.2 * mstLengthRegularizer(x)
        }
        print("on", device, "the loss is", try loss.scalar(), "and its gradient's norm", try gradient.norm().scalar())

        // Elementwise operations and their sum run as one kernel.
        let (sum, cost) = try Profiler.measure { try ((x * 2 + 1).gelu() * y).sum().evaluated() }
        print("the fused sum is", try sum.scalar(), "in", cost.launches, "launch")

        // Mistakes are errors that say what was expected and what came.
        do {
            _ = try (x + Tensor([1, 2] as [Float], on: device)).sum().scalar()
        } catch {
            print("a mistake:", error)
        }
    }
}
