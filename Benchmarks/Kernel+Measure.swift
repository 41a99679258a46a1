import Foundation
import LossKit

extension Kernel {
    struct Row: Codable {
        var name: String
        var size: String
        var pass: Pass
        var seconds: Double
        var rate: Double
        var unit: String
        /// Of the copy's bandwidth or the product's speed.
        var percent: Double
        /// The most memory that one run held beside its inputs.
        var peakBytes = 0
        /// How far apart the middle half of the turns lie, as a part of the median.
        var spread: Double?
        /// What its steps say they move and compute, in all.
        var work: Work?
        /// What others took, in the same run.
        var peers: [PeerTime] = []

        var fastestPeer: PeerTime? { peers.min { $0.seconds < $1.seconds } }
    }

    struct PeerTime: Codable {
        var name: String
        var seconds: Double
        /// How many times as long as ours.
        var ratio: Double
    }

    /// Checks value and gradients against the CPU, and those of the peers, all or some, against ours, then times both passes.
    func measure(
        on device: Device, limits: Limits, repetitions: Int, peers: PeerProcess? = nil, only names: [String] = []
    ) throws -> (rows: [Row], problems: [String], notes: [String]) {
        let inputs = try inputs(device)
        var (problems, notes): ([String], [String]) = ([], [])
        if device.isOpenCL {
            problems = try disagreements(run(inputs), run(inputs.map { try $0.to(.cpu) })).map {
                "\(name) \(size) on \(device) differs from the CPU: \($0)"
            }
        }
        var sides = try device.isOpenCL ? standards(of: device, inputs, &problems) : []
        if let peers {
            let ours = try run(inputs)
            let check = try indices.map { try NeighborCheck(inputs, ours: $0(inputs)) }
            let diagram = try classes.map { try DiagramCheck($0(inputs)) }
            for peer in try peers.prepare(self, inputs: inputs) where names.isEmpty || names.contains(peer.name) {
                do {
                    let theirs = try peers.result(of: peer)
                    problems += try disagreements(ours, theirs).map { "\(name) \(size) differs from \(peer.name): \($0)" }
                    if let check, let found = theirs.indices {
                        let (note, problem) = try check.comparison(with: peer.name, found)
                        notes.append("\(name) \(size): \(note)")
                        problems += problem.map { ["\(name) \(size): \($0)"] } ?? []
                    }
                    if let diagram, let found = theirs.classes {
                        let (note, problem) = try diagram.comparison(with: peer.name, found)
                        notes.append("\(name) \(size): \(note)")
                        problems += problem.map { ["\(name) \(size): \($0)"] } ?? []
                    }
                    sides.append(Side(name: peer.name, passes: peer.passes) { try peers.seconds(of: peer, $0) })
                } catch let error as PeerError {
                    problems.append("\(name) \(size): \(error)")
                }
            }
        }
        let rows = try Pass.allCases.map { pass in
            let peak = try Profiler.measure { try run(pass, inputs, on: device) }.1.peakBytes
            let entered = sides.filter { $0.passes.contains(pass) }
            var race = Race(count: 1 + entered.count)
            for _ in 0...min(repetitions, mostRepetitions) {
                try race.run(0) { try Race.turn { try run(pass, inputs, on: device) } }
                for (index, side) in entered.enumerated() { try race.run(index + 1) { try side.turn(pass) } }
            }
            var row = row(pass, race.median(0), zip(entered, 1...).map { ($0.name, race.median($1)) }, limits, peak)
            row.spread = race.spread(0)
            row.work = try Work { try run(pass, inputs, on: device) }
            return row
        }
        return (rows, problems, notes)
    }

    /// Somebody else who does the same, and how long one turn takes.
    private struct Side {
        var name: String
        var passes: [Pass]
        var turn: (Pass) throws -> Double
    }

    /// Where there is a plain way: that, and beside a device that is a processor, the CPU without OpenCL.
    private func standards(of device: Device, _ inputs: [Tensor], _ problems: inout [String]) throws -> [Side] {
        guard let plain else { return [] }
        let outcome = try plain(inputs, .both)
        problems += try disagreements(Outcome(value: outcome.value.mean(), gradients: outcome.gradients), run(inputs)).map {
            "the plain \(name) \(size) differs: \($0)"
        }
        let side = Side(name: "plain kernel", passes: Pass.allCases) { pass in
            try Race.turn {
                _ = try plain(inputs, pass)
                try device.synchronize()
            }
        }
        guard device.kind == .cpu else { return [side] }
        let copies = try inputs.map { try $0.to(.cpu) }
        return [side, Side(name: "CPU", passes: Pass.allCases) { pass in try Race.turn { try run(pass, copies, on: .cpu) } }]
    }

    func run(_ pass: Pass, _ inputs: [Tensor], on device: Device) throws {
        switch pass {
        case .forward: _ = try function(inputs).evaluated()
        case .both: _ = try run(inputs)
        }
        try device.synchronize()
    }

    private func row(
        _ pass: Pass, _ seconds: Double, _ peers: [(name: String, seconds: Double)], _ limits: Limits, _ peakBytes: Int
    ) -> Row {
        let isForward = pass == .forward
        let (work, unit, limit): (Double, String, Double) =
            switch bound {
            case .bytes(let forward, let both): (isForward ? forward : both, "GB/s", limits.copy)
            case .operations(let forward, let both): (isForward ? forward : both, "GFLOP/s", limits.gemm)
            case .pairs(let forward, let both): (isForward ? forward : both, "Gpairs/s", limits.copy / 4)
            }
        let rate = work / seconds / 1e9
        return Row(
            name: name, size: size, pass: pass, seconds: seconds, rate: rate, unit: unit, percent: 100 * rate / limit, peakBytes: peakBytes,
            peers: peers.map { PeerTime(name: $0.name, seconds: $0.seconds, ratio: $0.seconds / seconds) })
    }
}

extension Kernel.Row {
    /// Reports of before memory was measured say nothing about it.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try values.decode(String.self, forKey: .name), size: try values.decode(String.self, forKey: .size),
            pass: try values.decode(Kernel.Pass.self, forKey: .pass), seconds: try values.decode(Double.self, forKey: .seconds),
            rate: try values.decode(Double.self, forKey: .rate), unit: try values.decode(String.self, forKey: .unit),
            percent: try values.decode(Double.self, forKey: .percent),
            peakBytes: try values.decodeIfPresent(Int.self, forKey: .peakBytes) ?? 0,
            spread: try values.decodeIfPresent(Double.self, forKey: .spread), work: try values.decodeIfPresent(Work.self, forKey: .work),
            peers: try values.decode([Kernel.PeerTime].self, forKey: .peers))
    }
}
