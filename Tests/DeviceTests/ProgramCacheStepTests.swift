import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitDevice

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Steps of training whose compiled programs live in a folder that fails them: each costs compilations, and no step.
@Suite(.serialized, .enabled(if: Device.all.contains(where: \.isOpenCL)), .timeLimit(.minutes(10)))
struct ProgramCacheStepTests {
    /// What a step gives on a device that has compiled nothing yet; every fused program is compiled, so that each step needs the same.
    private static func step(_ folder: String) throws -> [Float] {
        // Not the table of the faults, whose handles others count.
        let discovery = Device.discover(FaultInjection.environmentTable, cache: ProgramCache(directory: folder))
        let values = try Fusion.$mode.withValue(.compile) { try TrainingStep(on: #require(Device.devices(discovery).first)).run() }
        BackgroundQueue.drain()
        return values
    }

    private static func programs(_ folder: String) -> [String] {
        Files.names(in: folder).filter { $0.hasSuffix(".program") }.map { folder + "/" + $0 }
    }

    @Test func damagedProgramsAreCompiledAgain() throws {
        let folder = try TemporaryFolder()
        let reference = try Self.step(folder.path).map(Double.init)
        let files = Self.programs(folder.path)
        #expect(files.count > 5)
        for damage in 0..<4 {
            for (index, path) in files.enumerated() {
                let whole = try #require(Files.read(path))
                switch (damage + index) % 4 {
                case 0: #expect(Files.replace(path, with: Array(whole.prefix(whole.count / 2))))
                case 1: #expect(Files.replace(path, with: whole.map { $0 ^ 0x20 }))
                case 2: #expect(Files.replace(path, with: []))
                default: unlink(path)
                }
            }
            expectClose(try Self.step(folder.path).map(Double.init), reference, tolerance: 1e-4, "damage \(damage)")
            #expect(Set(Self.programs(folder.path)) == Set(files), "stored again")
        }
    }

    #if os(Linux)
    /// A disk that is full after a few programs, and then may not be written to at all.
    @Test func aDiskThatIsFullOrReadOnly() async throws {
        let folder = try TemporaryFolder()
        let reference = try Self.step(folder.path)
        let names = Files.names(in: folder.path)
        for name in names { unlink(folder.path + "/" + name) }
        await #expect(processExitsWith: .success) { [path = folder.path as String, reference = reference as [Float], all = names.count as Int] in
            let expected = reference.map(Double.init)
            // Where nobody may mount a disk, a folder that may not be written to has to do.
            let isMounted = mount("tmpfs", path, "tmpfs", 0, "size=64k") == 0
            if isMounted {
                expectClose(try ProgramCacheStepTests.step(path).map(Double.init), expected, tolerance: 1e-4, "full")
                let stored = Files.names(in: path)
                #expect(stored.count < all && stored.allSatisfy { $0.hasSuffix(".program") }, "too large, or something half is left: \(stored)")
                #expect(mount(nil, path, nil, UInt(MS_REMOUNT | MS_RDONLY), nil) == 0)
            } else {
                chmod(path, 0o500)
            }
            let before = Files.names(in: path)
            expectClose(try ProgramCacheStepTests.step(path).map(Double.init), expected, tolerance: 1e-4, "read-only")
            #expect(Files.names(in: path) == before)
            if isMounted { umount2(path, 2) } else { chmod(path, 0o700) }
        }
    }

    /// Processes that all begin with an empty folder.
    @Test func processesThatCompileAtOnce() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let reference = try Self.step(path)
        let names = Files.names(in: path)
        for name in names { unlink(path + "/" + name) }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    await #expect(processExitsWith: .success) { [path = path as String, reference = reference as [Float]] in
                        let values = try ProgramCacheStepTests.step(path).map(Double.init)
                        expectClose(values, reference.map(Double.init), tolerance: 1e-4)
                    }
                }
            }
        }
        let stored = Files.names(in: path)
        #expect(stored.count > 5 && Set(stored) == Set(names), "\(stored) of \(names)")
        let cache = ProgramCache(directory: path)
        #expect(stored.allSatisfy { cache.load(String($0.dropLast(".program".count))) != nil })
    }
    #endif
}
