import Foundation
import LossKit
import Testing

/// The Swift blocks of the documentation run as they stand there; scripts/snippets made functions of them.
@Suite struct DocumentationTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let catalogue = root.appendingPathComponent("Sources/LossKit/LossKit.docc")

    /// Articles that hold Swift.
    private static let articles: [String] = {
        let files = FileManager.default.enumerator(at: catalogue, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
        return files.filter { $0.pathExtension == "md" && ((try? String(contentsOf: $0, encoding: .utf8)) ?? "").contains("```swift") }
            .map { $0.deletingPathExtension().lastPathComponent }.sorted()
    }()

    @Test func everyArticleWithSwiftIsInTheTour() throws {
        let outcome = try CommandLineTool.run([], of: "DocumentationTour")
        #expect(Set(outcome.output.split(separator: "\n").map(String.init)) == Set(Self.articles))
        #expect(Self.articles.count > 8)
    }

    @Test(arguments: articles) func theArticlesProgramRuns(article: String) throws {
        let outcome = try CommandLineTool.run([article], of: "DocumentationTour", environment: ["LOSSKIT_DEVICE": "cpu"])
        #expect(outcome.status == 0 && !outcome.output.isEmpty, "\(outcome.errors)")
    }

    /// What the tables of other libraries' names call LossKit's is there.
    @Test(arguments: ["MovingFromPyTorch", "ChoosingALoss"]) func everyNameInTheTablesExists(article: String) throws {
        let text = try String(contentsOf: Self.catalogue.appendingPathComponent("Articles/\(article).md"), encoding: .utf8)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("|") }
        // Every other piece between backticks is a name.
        let pieces = rows.compactMap { $0.split(separator: "|").last }.map { $0.split(separator: "`", omittingEmptySubsequences: false) }
        let names = Set(pieces.flatMap { row in row.indices.filter { $0 % 2 == 1 }.map { String(row[$0]) } })
        #expect(names.count > 25)
        let sources = try Self.sources()
        for name in names.sorted() where LossRegistry.named(name) == nil {
            let member = name.split(separator: ".").dropFirst().last
            let declared =
                member.map { ["case \($0)(", "case \($0)\n", "public var \($0):", "public func \($0)(", "public static func \($0)("] }
                ?? ["public func \(name)(", "public static func \(name)(", "public struct \(name):", "public enum \(name):"]
            #expect(declared.contains { sources.contains($0) }, "\(article) names \(name)")
        }
    }

    private static func sources() throws -> String {
        let files = FileManager.default.enumerator(at: root.appendingPathComponent("Sources"), includingPropertiesForKeys: nil)
        return try (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
            .map { try String(contentsOf: $0, encoding: .utf8) }.joined(separator: "\n")
    }
}
