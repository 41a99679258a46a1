import LossKit

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Takes small shapes through every kernel of the OpenCL devices and compares the results with the CPU's: what scripts/trust/kernels runs.
///
/// Everything happens on one thread, since the simulator that watches the kernels knows no other.
@main
enum KernelTour {
    /// Visits the stops whose names hold one of the arguments, or all.
    static func main() throws {
        let wanted = CommandLine.arguments.dropFirst().filter { !$0.isEmpty }
        var problems: [String] = []
        for device in Device.all where device.isOpenCL {
            for stop in Stop.all where wanted.isEmpty || wanted.contains(where: stop.name.contains) {
                print(device, stop.name, separator: ": ")
                do {
                    problems += try differences(stop, on: device)
                } catch {
                    problems.append("\(device), \(stop.name): \(error)")
                }
            }
        }
        for problem in problems { print("error:", problem) }
        // Without the destructors of globals: CLBlast's give programs back to a driver that may be gone by then.
        fflush(nil)
        _exit(problems.isEmpty ? 0 : 1)
    }

    /// Where a device's results differ from the CPU's.
    private static func differences(_ stop: Stop, on device: Device) throws -> [String] {
        let expected = try stop.visit(.cpu).map { try $0.array(of: Double.self) }
        let actual = try stop.visit(device).map { try $0.array(of: Double.self) }
        guard expected.map(\.count) == actual.map(\.count) else { return ["\(device), \(stop.name): counts differ"] }
        return zip(expected, actual).enumerated().compactMap { index, pair in
            let largest = pair.0.reduce(1.0) { $1.isFinite ? max($0, abs($1)) : $0 }
            let position = zip(pair.0, pair.1).enumerated().first { _, values in
                let (a, b) = values
                return !(a == b || (a.isNaN && b.isNaN) || abs(a - b) <= 1e-4 * largest)
            }?.offset
            return position.map { "\(device), \(stop.name): result \(index), element \($0) is \(pair.1[$0]), \(pair.0[$0]) on the CPU" }
        }
    }
}
