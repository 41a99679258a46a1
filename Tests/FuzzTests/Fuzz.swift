import LossKitTestSupport

@testable import LossKitDevice

/// A deterministic mutation fuzzer: every run tries the same inputs, grown from a corpus.
///
/// What a test calls may throw, but must return: a trap ends the process and so fails the run. `LOSSKIT_FUZZ_TRACE` names a file that holds
/// the input being tried, for finding the one that did it; `LOSSKIT_FUZZ_RUNS` multiplies the number of inputs.
struct Fuzz {
    let name: String
    private(set) var random: SplitMix64
    private let corpus: [[UInt8]]
    /// What parsers look for, put in whole.
    private let tokens: [[UInt8]]

    init(_ name: String, seed: UInt64 = 1, corpus: [[UInt8]], tokens: [String] = []) {
        self.name = name
        random = SplitMix64(seed: seed)
        self.corpus = corpus
        self.tokens = (tokens + ["-1", "0", "9223372036854775807", "9223372036854775808", "1e999", "nan", "", " ", "\u{0}", "é"]).map {
            Array($0.utf8)
        }
    }

    /// Tries mutated inputs; `body` says whether it accepted one.
    mutating func run(_ count: Int, _ body: ([UInt8], inout SplitMix64) throws -> Bool) rethrows {
        let count = count * (Environment.value("LOSSKIT_FUZZ_RUNS").flatMap { Int($0) } ?? 1)
        var accepted = 0
        for _ in 0..<count {
            let input = mutated()
            if let path = Environment.value("LOSSKIT_FUZZ_TRACE") { _ = Files.replace(path, with: input) }
            if try body(input, &random) { accepted += 1 }
        }
        print("fuzz: \(name): \(count) inputs, \(accepted) accepted")
    }

    private mutating func mutated() -> [UInt8] {
        var bytes = corpus.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, place + Int.random(in: 0...8, using: &random))
            switch Int.random(in: 0..<7, using: &random) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1 where place < bytes.count: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF, 10].randomElement(using: &random) ?? 0
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 4: bytes.insert(contentsOf: tokens.randomElement(using: &random) ?? [], at: place)
            case 5: bytes.replaceSubrange(place..<end, with: tokens.randomElement(using: &random) ?? [])
            default:
                let other = corpus.randomElement(using: &random) ?? []
                bytes = Array(bytes[..<place]) + other[min(place, other.count)...]
            }
        }
        return bytes
    }
}
