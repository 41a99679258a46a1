import CLossKitOpenCL

/// Makes OpenCL calls fail on purpose, below everything that uses them, to show that what is above survives.
///
/// `LOSSKIT_FAULT=FUNCTION:NTH:CODE` in the environment lets the `NTH` call of a function fail, `LOSSKIT_FAULT=FUNCTION:NTH+:CODE` that one and
/// all after it; `any` stands for every function. Code that needs it in part of a process uses a table of its own with
/// ``Device/discover(_:cache:tunings:)``.
enum FaultInjection {
    /// The functions of the loader, which count and fail when armed.
    static let table: losskit_opencl? = losskit_faulty_load()?.pointee

    /// Every function in use.
    static let functions = (0..<Int32(losskit_function_count)).map { String(cString: losskit_function_name($0)) }

    /// What the process works with: the loader's own functions unless the environment asks for faults.
    static let environmentTable: losskit_opencl? = {
        guard let request = Environment.fault else { return losskit_opencl_load()?.pointee }
        guard let fault = Fault(request) else {
            StandardError.print("losskit: LOSSKIT_FAULT is ignored: expected FUNCTION:NTH:CODE, got \"\(request)\"")
            return losskit_opencl_load()?.pointee
        }
        fault.arm()
        return table
    }()

    /// Which calls fail, and how.
    struct Fault: Sendable, Equatable {
        /// Nil for every function.
        var function: String?
        /// Counted from 1, from arming on.
        var nth: Int
        /// How many calls fail, from the `nth` on.
        var times = 1
        var code: Int32

        func arm() {
            let place = function.flatMap { FaultInjection.functions.firstIndex(of: $0) } ?? -1
            losskit_fault_arm(Int32(place), nth, times, code)
        }
    }

    /// Ends failing; how many calls have failed.
    @discardableResult
    static func disarm() -> Int { losskit_fault_disarm() }

    /// Whether only the calling thread's calls count and fail.
    static func watchThisThread(_ isOnly: Bool) { losskit_fault_watch(isOnly ? 1 : 0) }

    /// How often a function was called.
    static func calls(_ function: String) -> Int {
        functions.firstIndex(of: function).map { losskit_fault_calls(Int32($0)) } ?? 0
    }

    /// What is created and not released, by kind: contexts, queues, buffers, programs, kernels, events.
    static var handles: [Int] { (0..<Int32(losskit_handle_kinds)).map { losskit_fault_live($0) } }
}

extension FaultInjection.Fault {
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let nth = Int(parts[1].hasSuffix("+") ? parts[1].dropLast() : parts[1]), nth > 0,
            let code = Int32(parts[2]), code != 0, parts[0] == "any" || FaultInjection.functions.contains(String(parts[0]))
        else { return nil }
        self.init(
            function: parts[0] == "any" ? nil : String(parts[0]), nth: nth, times: parts[1].hasSuffix("+") ? .max : 1, code: code)
    }
}
