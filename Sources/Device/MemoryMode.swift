/// How buffers get their memory.
package enum MemoryMode: String, Sendable {
    /// Blocks that were used before, of about the size.
    case pooled
    /// Blocks of their very size that nobody had before, filled with ones (NaN in every floating-point type), so that a checker sees what
    /// is read or written beside them, and a test what is read before it is written.
    case exact
    /// The same, not filled, for a checker that knows what was never written; not given back either, since Oclgrind takes what follows at
    /// an address for what was there before.
    case bare
    /// Blocks with canaries on both sides, which every step and launch finds alive or throws ``DeviceError/overrun(kernel:size:byte:)``.
    case guarded

    /// Whether blocks have the very size that is asked for and are not used again.
    var isExact: Bool { self != .pooled }
}
