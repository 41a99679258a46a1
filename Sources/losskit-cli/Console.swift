import LossKitConsole

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where a program's lines go: results to standard output, everything else to standard error.
typealias Console = LossKitConsole.Console

/// Ends the program.
func leave(_ status: Int32) -> Never { exit(status) }
