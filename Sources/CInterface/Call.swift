import LossKit

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The statuses of `losskit.h`.
enum Status {
    static let ok: Int32 = 0
    static let badInput: Int32 = 2
    static let deviceFailure: Int32 = 3
}

/// Runs the body of a call; what it throws becomes a status and the thread's text.
func call(_ body: () throws -> Void) -> Int32 {
    do {
        try body()
        return Status.ok
    } catch {
        LastError.set("\(error)")
        guard let error = error as? DeviceError else { return Status.badInput }
        return error.isBadRequest ? Status.badInput : Status.deviceFailure
    }
}

/// A pointer that may not be NULL.
func present<Pointer>(_ pointer: Pointer?, _ name: String, _ operation: String) throws -> Pointer {
    guard let pointer else { throw TensorError.invalidArgument(operation: operation, expected: name, actual: "NULL") }
    return pointer
}

/// A text that may not be NULL.
func text(_ pointer: UnsafePointer<CChar>?, _ name: String, _ operation: String) throws -> String {
    String(cString: try present(pointer, name, operation))
}

/// The device of a text; NULL stands for the default.
func device(_ label: UnsafePointer<CChar>?) throws -> Device {
    try label.map { try Device.named(String(cString: $0)) } ?? .default
}

/// Texts that stay where they are as long as the process lives.
enum Texts {
    static var empty: UnsafePointer<CChar> { UnsafePointer(bitPattern: blank).unsafelyUnwrapped }
    static func deviceLabel(_ index: Int) -> UnsafePointer<CChar>? { entry(index, of: labels) }
    static func deviceName(_ index: Int) -> UnsafePointer<CChar>? { entry(index, of: names) }
    static func lossName(_ index: Int) -> UnsafePointer<CChar>? { entry(index, of: losses) }

    // Addresses, since pointers may not be shared between threads as they are.
    private static let blank = kept("")
    private static let labels = Device.all.map { kept(String($0.label.prefix { $0 != " " })) }
    private static let names = Device.all.map { kept($0.name) }
    private static let losses = LossRegistry.all.map { kept($0.name) }

    private static func kept(_ text: String) -> UInt { UInt(bitPattern: strdup(text)) }

    private static func entry(_ index: Int, of addresses: [UInt]) -> UnsafePointer<CChar>? {
        addresses.indices.contains(index) ? UnsafePointer(bitPattern: addresses[index]) : nil
    }
}
