import LossKit
import LossKitTestSupport
import Synchronization
import Testing

@testable import losskit

@Suite struct WaitingTests {
    @Test func theBarSaysWhatIsDone() {
        let half = Waiting.line(WorkProgress(done: 500, total: 1000, unit: "steps at most"), seconds: 12.7)
        #expect(half.hasSuffix("█░░░░░░░░░░░░ 500 of 1000 steps at most, 12 s"))
        #expect(Waiting.line(WorkProgress(done: 3, total: 2, unit: "rows"), seconds: 0).filter { $0 == "█" }.count == 24)
        #expect(Waiting.line(nil, seconds: 3).hasSuffix(" 3 s") && Waiting.line(nil, seconds: 3).contains("█"))
    }

    /// Work that takes long says how far it is.
    @Test func longWorkIsFollowed() throws {
        let told = Told()
        var random = SplitMix64(seed: 3)
        let x = try Tensor(random.values(600).map { Float($0) }, shape: [300, 2], on: .cpu)
        let y = try Tensor(random.values(400).map { Float($0) }, shape: [200, 2], on: .cpu)
        try WorkProgress.$watcher.withValue({ told.append($0) }) {
            _ = try entropicTransport(.points(x, y, power: 2), a: nil, b: nil, epsilon: 0.01)
            _ = try nearestNeighbors(of: x, in: y, k: 2)
            _ = try ripsPersistence(x, maximumDimension: 1)
            _ = try minimumSpanningTree(x)
        }
        let units = Dictionary(grouping: told.all, by: \.unit)
        let steps = try #require(units["steps at most"]).map(\.done)
        #expect(steps == steps.sorted() && (steps.last ?? 0) > 1)
        let edges = try #require(units["edges"])
        #expect(edges.map(\.done) == edges.map(\.done).sorted() && edges.count > 1 && edges.allSatisfy { $0.total == 299 })
        #expect(units["points"]?.first?.total == 300 && units["dimensions"] == [WorkProgress(done: 1, total: 2, unit: "dimensions")])
    }
}

/// What was told, from any thread.
private final class Told: Sendable {
    private let list = Mutex<[WorkProgress]>([])

    var all: [WorkProgress] { list.withLock { $0 } }

    func append(_ progress: WorkProgress) { list.withLock { $0.append(progress) } }
}
