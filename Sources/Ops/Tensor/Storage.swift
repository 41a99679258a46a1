import LossKitDevice
import LossKitKernels
import Synchronization

/// What stands behind a tensor and its views: memory, an expression that will fill it when somebody needs the values, or the error that
/// kept it from existing.
final class Storage: Sendable {
    enum State: Sendable {
        case ready(Buffer)
        case pending(Expression)
        case failed(any Error)
    }

    private let state: Mutex<State>

    init(_ state: sending State) {
        self.state = Mutex(state)
    }

    var current: State { state.withLock { $0 } }

    /// The memory, after running the pending expression if there is one.
    ///
    /// The lock is held while the expression is launched, so that it runs once however many threads ask; an expression's leaves are always
    /// memory, never another storage.
    func buffer(on device: Device) throws -> Buffer {
        try state.withLock { state in
            switch state {
            case .ready(let buffer): return buffer
            case .failed(let error): throw error
            case .pending(let expression):
                let buffer = try expression.evaluate(on: device)
                state = .ready(buffer)
                return buffer
            }
        }
    }
}
