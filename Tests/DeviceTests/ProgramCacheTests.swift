import Testing

@testable import LossKitDevice

struct ProgramCacheTests {
    private let binary = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 31) }

    @Test func givesBackWhatWasStored() throws {
        let folder = try TemporaryFolder()
        let cache = ProgramCache(directory: folder.path)
        #expect(cache.load("absent") == nil)
        #expect(cache.store(binary, "key"))
        #expect(cache.load("key") == binary)
        #expect(Files.names(in: folder.path) == ["key.program"])
    }

    @Test func damageReadsAsAbsent() throws {
        let folder = try TemporaryFolder()
        let cache = ProgramCache(directory: folder.path)
        #expect(cache.store(binary, "key"))
        let whole = try #require(Files.read(cache.path("key")))
        for length in [0, 1, 7, 8, 47, 48, 49, whole.count - 1] {
            #expect(Files.replace(cache.path("key"), with: Array(whole[..<length])))
            #expect(cache.load("key") == nil)
        }
        for position in [0, 8, 15, 16, 47, 48, 500, whole.count - 1] {
            var damaged = whole
            damaged[position] ^= 0x40
            #expect(Files.replace(cache.path("key"), with: damaged))
            #expect(cache.load("key") == nil)
        }
        #expect(Files.replace(cache.path("key"), with: whole + [0]))
        #expect(cache.load("key") == nil)
        #expect(cache.store(binary, "key"))
        #expect(cache.load("key") == binary)
    }

    @Test func keysTellPartsApart() {
        #expect(ProgramCache.key(["ab", "c"]) != ProgramCache.key(["a", "bc"]))
        #expect(ProgramCache.key(["a", ""]) != ProgramCache.key(["a"]))
        #expect(ProgramCache.key(["source", "options"]).count == 64)
    }

    @Test func aFolderThatCannotBeMadeIsNoError() {
        #expect(!ProgramCache(directory: "/proc/nowhere/losskit").store(binary, "key"))
    }

    /// Compiles, stores, damages and compiles again, on a library of programs of its own.
    @Test(arguments: Device.all.filter(\.isOpenCL))
    func programsSurviveAnyDamage(device: Device) throws {
        let folder = try TemporaryFolder()
        let cache = ProgramCache(directory: folder.path)
        let context = try #require(device.state.stream).context
        let x = try Buffer([1, 2, 3], on: device)

        func launch() throws -> [Float] {
            let stream = try OpenCLStream(context: context, programs: ProgramLibrary(context: context, cache: cache))
            let y = try Buffer([10, 20, 30], on: device)
            // On the device's own queue, which the stream's knows nothing of.
            try device.synchronize()
            let program = try stream.programs.program(Accumulate.source, defines: [])
            let arguments: [KernelArgument] = [
                .buffer(BufferSlice(x, elementSize: 4)), .buffer(BufferSlice(y, elementSize: 4)), .float(2), .count(3),
            ]
            #expect(try stream.launch("accumulate", of: program, arguments: arguments, global: [3], local: nil) == 0)
            try stream.finish()
            BackgroundQueue.drain()
            return try y.floats()
        }

        #expect(try launch() == [12, 24, 36])
        let name = try #require(Files.names(in: folder.path).first)
        let path = folder.path + "/" + name
        let whole = try #require(Files.read(path))
        #expect(try launch() == [12, 24, 36], "from the stored binary")
        let damages: [[UInt8]] = [Array(whole.prefix(whole.count / 2)), whole.map { $0 ^ 0xFF }, [], Array("junk".utf8)]
        for damage in damages {
            #expect(Files.replace(path, with: damage))
            #expect(try launch() == [12, 24, 36])
            #expect(Files.read(path)?.count ?? 0 > 48, "stored again")
        }
        // A binary that is whole but means nothing to the driver: it declines, and the source serves.
        #expect(cache.store(Array("not a program at all".utf8), String(name.dropLast(".program".count))))
        #expect(try launch() == [12, 24, 36])
    }
}
