/// Which sizes a run without a filter leaves out: those that would take long on the device, by what smaller ones of the kernel took.
struct Patience {
    /// Seconds forward and backward together may take.
    private static let most = 0.25
    /// Shorter ones say little of longer ones.
    private static let least = 0.02
    /// The longest that was measured, by the kernel's name.
    private var longest: [String: (seconds: Double, work: Double)] = [:]
    private var leftOut: [String] = []

    /// Whether a kernel would take too long, and is noted as left out.
    mutating func leavesOut(_ kernel: Kernel) -> Bool {
        guard let known = longest[kernel.name], known.seconds * kernel.bound.both / known.work > Self.most else { return false }
        leftOut.append("\(kernel.name) \(kernel.size)")
        return true
    }

    mutating func note(_ rows: [Kernel.Row], of kernel: Kernel) {
        for row in rows where row.pass == .both && row.seconds > max(Self.least, longest[kernel.name]?.seconds ?? 0) {
            longest[kernel.name] = (row.seconds, kernel.bound.both)
        }
    }

    /// What was left out and how to see it.
    var notes: [String] {
        guard let first = leftOut.first else { return [] }
        return [
            "left out, since smaller sizes say that they take longer than \(Self.most) s: \(leftOut.joined(separator: ", ")); "
                + "--filter \"\(first)\" times the first"
        ]
    }
}
