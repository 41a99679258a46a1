import LossKit
import Testing

@testable import Benchmarks

@Suite struct PatienceTests {
    private func kernel(_ name: String, _ size: String, pairs: Double) -> Kernel {
        Kernel(name: name, size: size, inputs: { _ in [] }, function: { $0[0] }, bound: .pairs(forward: pairs / 2, both: pairs))
    }

    private func row(_ kernel: Kernel, _ seconds: Double, _ pass: Kernel.Pass = .both) -> Kernel.Row {
        Kernel.Row(name: kernel.name, size: kernel.size, pass: pass, seconds: seconds, rate: 1, unit: "Gpairs/s", percent: 1)
    }

    @Test func whatSmallerSizesSayTakesTooLongIsLeftOut() {
        var patience = Patience()
        func leavesOut(_ kernel: Kernel) -> Bool { patience.leavesOut(kernel) }
        let (small, middle, large) = (kernel("tree", "10x2", pairs: 1e6), kernel("tree", "20x2", pairs: 4e6), kernel("tree", "90x2", pairs: 1e8))
        #expect(!leavesOut(large) && patience.notes.isEmpty)
        // Too short to tell.
        patience.note([row(small, 0.01)], of: small)
        #expect(!leavesOut(large))
        patience.note([row(middle, 9, .forward), row(middle, 0.05)], of: middle)
        #expect(!leavesOut(middle) && leavesOut(large))
        // The longest one counts, and only for its own kernel.
        patience.note([row(small, 0.03)], of: small)
        #expect(!leavesOut(middle) && !leavesOut(kernel("other", "90x2", pairs: 1e8)))
        #expect(patience.notes.count == 1 && patience.notes[0].contains("tree 90x2") && !patience.notes[0].contains("20x2"))
    }
}
