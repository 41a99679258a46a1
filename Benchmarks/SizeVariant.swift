import Foundation

/// Sizes of one kernel that a line may join, from the smaller to the larger: of as many extents, with the same words beside them, as in
/// "1000x2 at 0.1", and none of which is smaller along one axis and larger along another than the next.
struct SizeVariant {
    var name: String
    var rows: [Kernel.Row]

    /// A kernel's sizes, those apart that no line should join.
    static func all(_ rows: [Kernel.Row]) -> [SizeVariant] {
        let kinds = Dictionary(grouping: rows) { [words($0.size), "\(extents($0.size).count)"] }
        let ranks = Set(rows.map { extents($0.size).count })
        return kinds.sorted { $0.key.joined().localizedStandardCompare($1.key.joined()) == .orderedAscending }.flatMap { key, rows in
            let parts = split(rows)
            return parts.map { part in
                let lasts = Set(part.map { extents($0.size).last ?? 0 })
                let own = parts.count == 1 ? (ranks.count > 1 ? "\(key[1])-D" : "") : lasts.count == 1 ? "d = \(lasts.first ?? 0)" : part[0].size
                return SizeVariant(name: [own, own == part[0].size ? "" : key[0]].filter { !$0.isEmpty }.joined(separator: " "), rows: part)
            }
        }
    }

    /// The product of the numbers in a size such as "4096x1000 at 0.1".
    static func extent(_ size: String) -> Double { extents(size).reduce(1) { $0 * Double($1) } }

    private static func split(_ rows: [Kernel.Row]) -> [[Kernel.Row]] {
        let sorted = rows.sorted { extent($0.size) < extent($1.size) }
        let byLast = Dictionary(grouping: sorted) { extents($0.size).last ?? 0 }
        let rank = extents(sorted[0].size).count
        if rank > 1, byLast.count > 1, byLast.values.contains(where: { $0.count > 1 }) {
            return byLast.sorted { $0.key < $1.key }.map(\.value)
        }
        guard rank > 1 else { return [sorted] }
        var chains: [[Kernel.Row]] = []
        for row in sorted {
            let place = chains.firstIndex { chain in
                chain.last.map { zip(extents($0.size), extents(row.size)).allSatisfy { $0 <= $1 } } ?? false
            }
            if let place { chains[place].append(row) } else { chains.append([row]) }
        }
        return chains
    }

    /// The numbers of the word that holds them.
    private static func extents(_ size: String) -> [Int] {
        for word in size.split(separator: " ") {
            let numbers = word.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
            if !numbers.contains(nil) { return numbers.compactMap { $0 } }
        }
        return []
    }

    private static func words(_ size: String) -> String {
        size.split(separator: " ").filter { word in
            !word.split(separator: "x", omittingEmptySubsequences: false).allSatisfy { Int($0) != nil }
        }.joined(separator: " ")
    }
}
