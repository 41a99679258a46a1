import Testing

@testable import LossKitDevice

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The folder of compiled programs when the system fails it.
struct ProgramCacheFaultTests {
    private let binary = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 31) }

    @Test func aFolderThatIsReadOnlyStillServes() throws {
        let folder = try TemporaryFolder()
        let cache = ProgramCache(directory: folder.path)
        #expect(cache.store(binary, "key"))
        chmod(folder.path, 0o500)
        defer { chmod(folder.path, 0o700) }
        #expect(cache.load("key") == binary)
        // The superuser may write all the same.
        if geteuid() != 0 { #expect(!cache.store(binary, "other") && cache.load("other") == nil) }
        #expect(!ProgramCache(directory: cache.path("key")).store(binary, "key"), "a file where a folder should be")
    }

    @Test func whatDeadWritersLeftGoesWhenItIsOld() throws {
        let folder = try TemporaryFolder()
        let cache = ProgramCache(directory: folder.path)
        let (old, new) = (cache.path("old") + ".1.2.tmp", cache.path("new") + ".3.4.tmp")
        for path in [old, new] { #expect(Files.replace(path, with: [1, 2, 3])) }
        let past = [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]
        #expect(utimes(old, past) == 0)
        #expect(cache.store(binary, "key"))
        #expect(Files.names(in: folder.path) == ["key.program", "new.program.3.4.tmp"])
    }

    #if os(Linux)
    @Test func aFullDiskCostsOnlyTheNextCompilation() async throws {
        let folder = try TemporaryFolder()
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            // A small file system; where nobody may mount one, small files.
            let isMounted = mount("tmpfs", path, "tmpfs", 0, "size=64k") == 0
            if !isMounted {
                signal(SIGXFSZ, SIG_IGN)
                var limit = rlimit(rlim_cur: 65536, rlim_max: 65536)
                guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { exit(1) }
            }
            let cache = ProgramCache(directory: path)
            let (small, large) = ([UInt8](repeating: 1, count: 10_000), [UInt8](repeating: 2, count: 200_000))
            let isRight =
                cache.store(small, "small") && !cache.store(large, "large") && cache.load("small") == small && cache.load("large") == nil
                && Files.names(in: path) == ["small.program"]
            if isMounted { umount2(path, 2) }
            exit(isRight ? 0 : 2)
        }
    }

    /// Several processes write and read one program at once: each always reads a whole one.
    @Test func processesShareAFolder() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    await #expect(processExitsWith: .success) { [path = path as String] in
                        let cache = ProgramCache(directory: path)
                        for value in UInt8(1)...100 {
                            guard cache.store([UInt8](repeating: value, count: 500 + 97 * Int(value)), "shared") else { exit(1) }
                            guard let found = cache.load("shared"), let first = found.first,
                                found == [UInt8](repeating: first, count: 500 + 97 * Int(first))
                            else { exit(2) }
                        }
                    }
                }
            }
        }
        #expect(Files.names(in: folder.path) == ["shared.program"])
    }

    @Test(arguments: [1, 10, 50])
    func aKilledWriterLeavesNothingHalf(milliseconds: Int) async throws {
        let folder = try TemporaryFolder()
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.path as String, milliseconds] in
            let cache = ProgramCache(directory: path)
            Gate().start {
                usleep(UInt32(milliseconds) * 1000)
                kill(getpid(), SIGKILL)
            }
            while true { cache.store([UInt8](repeating: 7, count: 1 << 14), "key") }
        }
        let cache = ProgramCache(directory: folder.path)
        if let found = cache.load("key") { #expect(found == [UInt8](repeating: 7, count: 1 << 14)) }
        #expect(cache.store(binary, "key") && cache.load("key") == binary)
    }
    #endif
}
