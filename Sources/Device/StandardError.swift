#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Lines for a person, away from a program's output.
package enum StandardError {
    package static func print(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        bytes.withUnsafeBytes { _ = write(2, $0.baseAddress, $0.count) }
    }
}
