import LossKitDevice

/// How much of what takes long a run of the tests does.
///
/// `LOSSKIT_TEST_ALL=1` does all of it; `LOSSKIT_TEST_SHARD=2/5` all of it in five runs, of which this is the second; by default a run does
/// what each test says is enough to notice a mistake.
public enum TestShare {
    /// Whether everything runs, here or in other shards.
    public static let isWhole = Environment.value("LOSSKIT_TEST_ALL") == "1" || shard != nil

    private static let shard: (index: Int, count: Int)? = Environment.value("LOSSKIT_TEST_SHARD").flatMap { text in
        let parts = text.split(separator: "/").compactMap { Int($0) }
        return parts.count == 2 && parts[1] > 0 && (1...parts[1]).contains(parts[0]) ? (parts[0] - 1, parts[1]) : nil
    }

    /// All cases, those of this shard, or by default those that `standard` keeps.
    public static func of<T>(_ cases: [T], standard: (T) -> Bool = { _ in true }) -> [T] {
        if let shard { return cases.enumerated().filter { $0.offset % shard.count == shard.index }.map(\.element) }
        return isWhole ? cases : cases.filter(standard)
    }

    /// All cases, those of this shard, or by default every `step`th.
    public static func of<T>(_ cases: [T], every step: Int, from first: Int = 0) -> [T] {
        isWhole ? of(cases) : cases.enumerated().filter { $0.offset % step == first % step }.map(\.element)
    }
}
