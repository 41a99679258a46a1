/// One loss with options and extents, its inputs drawn from a seed.
struct LossCase: Sendable {
    /// What becomes of a loss's elements.
    enum Reduction: String, Sendable, CaseIterable {
        case none, sum, mean
    }

    var name = ""
    var options: [String: String] = [:]
    /// Extents by the names of dimensions, where they differ from the usual ones.
    var extents: [String: Int] = [:]
    var withOptional = false
    var reduction = Reduction.mean
}
