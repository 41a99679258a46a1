/// How far long work is, for somebody who watches.
package struct WorkProgress: Sendable, Equatable {
    package let done: Int
    /// Of how many, or of how many at most.
    package let total: Int
    package let unit: String

    package init(done: Int, total: Int, unit: String) { (self.done, self.total, self.unit) = (done, total, unit) }

    /// Told of the work of a task.
    @TaskLocal package static var watcher: (@Sendable (WorkProgress) -> Void)?

    /// Says how far the task's work is; costs next to nothing where nobody watches.
    package static func report(_ done: Int, of total: Int, _ unit: StaticString) {
        watcher?(WorkProgress(done: done, total: total, unit: "\(unit)"))
    }
}
