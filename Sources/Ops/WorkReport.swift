import LossKitDevice

/// Says how far a task's work is, to whoever watches it.
package func reportProgress(_ done: Int, of total: Int, _ unit: StaticString) { WorkProgress.report(done, of: total, unit) }
