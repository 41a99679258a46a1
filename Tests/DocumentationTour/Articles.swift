import LossKit

/// The Swift blocks of the documentation's articles, each article's as one program; run in the folder of the day, which they may write to.
@main enum Articles {
    static func main() {
        let wanted = CommandLine.arguments.dropFirst()
        guard !wanted.isEmpty else { return all.forEach { print($0.name) } }
        for article in all where wanted.contains(article.name) {
            do {
                try article.run()
            } catch {
                fatalError("\(article.name): \(error)")
            }
        }
    }
}
