/// Hashes of results, printed by one process and compared by another.
public enum PrintedBits {
    /// Prints a hash of numbers' bits under a name.
    public static func print(_ name: some Any, _ bits: some Sequence<UInt32>) {
        let hash = bits.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        Swift.print("bits", name, hash)
    }

    /// The lines of a process's output that hold hashes.
    public static func lines(_ output: [UInt8]) -> [Substring] {
        String(decoding: output, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("bits") }
    }
}
