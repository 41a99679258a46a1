import Testing

@testable import LossKitDevice

struct TuningTests {
    private static let identity = String(repeating: "a1", count: 32)

    private static func traits(isCPU: Bool = false, group: Int = 256, local: Int = 1 << 16) -> OpenCLTraits {
        OpenCLTraits(
            isCPU: isCPU, computeUnits: 8, clockMegahertz: 1000, maxWorkGroupSize: group, localMemory: local, globalMemory: 1 << 32,
            maxAllocation: 1 << 30, maxParameterBytes: 1024, hasFP64: true, hasFP16: false, hasInt64Atomics: false, version: "OpenCL 1.2")
    }

    private func parsed(_ lines: String..., traits: OpenCLTraits = traits()) throws(TuningError) -> Tuning {
        let text = (["losskit tuning 1", "device \(Self.identity) # a device"] + lines).joined(separator: "\n")
        return try Tuning(parsing: Array(text.utf8), identity: Self.identity, traits: traits)
    }

    @Test func whatIsWrittenIsRead() throws {
        for traits in [Self.traits(), Self.traits(isCPU: true), Self.traits(group: 7, local: 0)] {
            var tuning = Tuning()
            for tunable in Tunable.allCases { tuning[tunable] = tunable.allowed(on: traits).first }
            let text = tuning.text(identity: Self.identity, comment: "name\nrowBlock 7")
            #expect(try Tuning(parsing: Array(text.utf8), identity: Self.identity, traits: traits) == tuning)
        }
        #expect(try parsed("  rowGroup\t64  # chosen by hand", "", "# nothing") == Tuning(.rowGroup, 64))
    }

    @Test func limitsAreKept() {
        for group in [1, 7, 64, 100, 256, 1024] {
            let traits = Self.traits(group: group, local: 1 << 12)
            for tunable in Tunable.allCases where !tunable.allowed(on: traits).isEmpty {
                #expect(tunable.allowed(on: traits).contains(tunable.standard(on: traits)))
            }
            #expect(Tunable.rowGroup.allowed(on: traits).allSatisfy { $0 <= group && $0.nonzeroBitCount == 1 })
            #expect(Tunable.formulaGroup.allowed(on: traits).allSatisfy { $0 <= group })
            #expect(Tunable.productTile.allowed(on: traits).allSatisfy { $0 * $0 <= group })
        }
        let cpu = Self.traits(isCPU: true)
        #expect(Tunable.rowGroup.allowed(on: cpu).isEmpty && !Tunable.rowBlock.allowed(on: cpu).isEmpty)
    }

    @Test func whatIsWrongIsNamed() {
        #expect(throws: TuningError.unknownParameter(line: 4, name: "rowGruop")) { try parsed("rowGroup 64", "rowGruop 64") }
        #expect(throws: TuningError.repeatedParameter(line: 4, name: "rowGroup")) { try parsed("rowGroup 64", "rowGroup 64") }
        #expect(throws: TuningError.malformed(line: 3, text: "rowGroup many")) { try parsed("rowGroup many") }
        #expect(throws: TuningError.malformed(line: 3, text: "rowGroup 64 32")) { try parsed("rowGroup 64 32") }
        #expect(throws: TuningError.notAllowed(parameter: "rowGroup", value: 63, allowed: [32, 64, 128, 256])) { try parsed("rowGroup 63") }
        #expect(throws: TuningError.notAllowed(parameter: "rowBlock", value: 8192, allowed: [])) { try parsed("rowBlock 8192") }
        func read(_ bytes: [UInt8]) throws(TuningError) -> Tuning {
            try Tuning(parsing: bytes, identity: Self.identity, traits: Self.traits())
        }
        #expect(throws: TuningError.notText) { try read([0x6C, 0xFF]) }
        #expect(throws: TuningError.tooLong(byteCount: 1 << 17)) { try read([UInt8](repeating: 10, count: 1 << 17)) }
        #expect(throws: TuningError.unknownFormat("")) { try read([]) }
        #expect(throws: TuningError.unknownFormat("losskit tuning 2")) { try read(Array("losskit tuning 2\n".utf8)) }
        #expect(throws: TuningError.otherDevice) { try read(Array("losskit tuning 1".utf8)) }
        #expect(throws: TuningError.otherDevice) { try read(Array("losskit tuning 1\ndevice b\nrowGroup 64".utf8)) }
        #expect(!TuningError.malformed(line: 3, text: "a\nb\u{1B}").description.contains { $0.isNewline || $0 == "\u{1B}" })
    }

    /// A device takes what lies in its file when it is found; what cannot be used costs one warning.
    @Test(.enabled(if: Device.all.contains { $0.isOpenCL })) func devicesAreTunedWhenTheyAreFound() throws {
        let folder = try TemporaryFolder()
        let database = TuningDatabase(directory: folder.path + "/new")
        let present = Device.all.first { $0.isOpenCL }
        let device = try #require(present)
        let context = try #require(device.state.stream?.context)
        #expect(database.load(context) { Issue.record("\($0)") }.isEmpty)

        let smallest = try #require(Tunable.formulaTile.allowed(on: context.traits).first)
        let tuning = Tuning(.formulaTile, smallest)
        #expect(database.store(tuning, of: device))
        let discovery = Device.discover(FaultInjection.environmentTable, tunings: database)
        let found = Device.devices(discovery).first { $0.name == device.name }
        #expect(found?.tuning == tuning && found?.tuned(.formulaTile) == smallest)
        #expect(Tuning.$trial.withValue(tuning) { device.tuned(.formulaTile) } == smallest)

        let path = try #require(database.path(of: device))
        let whole = try #require(Files.read(path))
        for damaged in [Array(whole.dropLast(4)), whole + [0xFF], Array("formulaTile 7".utf8), []] {
            #expect(Files.replace(path, with: damaged))
            var warnings: [String] = []
            #expect(database.load(context) { warnings.append($0) }.isEmpty)
            #expect(warnings.count == 1 && warnings[0].contains(path) && warnings[0].contains("losskit tune"), "\(warnings)")
        }
        #expect(database.remove(device) && !Files.exists(path) && database.remove(device))
    }
}
