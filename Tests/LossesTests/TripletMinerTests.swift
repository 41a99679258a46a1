import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Mined triplets against loops over all of them in doubles.
@Suite struct TripletMinerTests {
    private let n = 14
    private let d = 3
    private let labels = [0, 1, 2, 0, 1, 2, 0, 1, 3, 0, 1, 2, 3, 4]

    private func points() -> [[Double]] {
        var random = SplitMix64(seed: 31)
        return (0..<n).map { _ in random.values(d).map { Double(Float($0)) } }
    }

    private func tensor(_ points: [[Double]], on device: Device) throws -> Tensor {
        try Tensor(points.joined().map { Float($0) }, shape: [points.count, d], on: device)
    }

    private func unit(_ point: [Double]) -> [Double] {
        let length = point.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return point.map { $0 / length }
    }

    private func distance(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }

    private func expected(_ takes: (_ a: [Double], _ p: [Double], _ n: [Double]) -> Bool) -> [[Int]] {
        let units = points().map(unit)
        var result: [[Int]] = []
        for a in 0..<n {
            for p in 0..<n where p != a && labels[p] == labels[a] {
                for other in 0..<n where labels[other] != labels[a] && takes(units[a], units[p], units[other]) { result.append([a, p, other]) }
            }
        }
        return result
    }

    private func found(_ triplets: Triplets) throws -> [[Int]] {
        let columns = try [triplets.anchors, triplets.positives, triplets.negatives].map { try $0.array(of: Int.self) }
        return columns[0].indices.map { row in columns.map { $0[row] } }
    }

    @Test(arguments: Device.all)
    func tripletsAreThoseOfTheirDefinition(device: Device) throws {
        let x = try tensor(points(), on: device)
        let names = try Tensor(labels, on: device)
        func room(_ a: [Double], _ p: [Double], _ n: [Double]) -> Double { distance(a, n) - distance(a, p) }
        let cases: [(TripletMiner, ([Double], [Double], [Double]) -> Bool)] = [
            (.all, { _, _, _ in true }),
            (.margin(0.3), { room($0, $1, $2) <= 0.3 }),
            (.margin(0.3, .hard), { room($0, $1, $2) <= 0 }),
            (.margin(0.3, .semihard), { room($0, $1, $2) > 0 && room($0, $1, $2) <= 0.3 }),
            (.margin(0.3, .easy), { room($0, $1, $2) > 0.3 }),
            (
                .angular(degrees: 30),
                { a, p, n in
                    let middle = zip(a, p).map { ($0 + $1) / 2 }
                    return atan(distance(a, p) / (2 * distance(n, middle))) > Double.pi / 6
                }
            ),
        ]
        for (miner, takes) in cases {
            let wanted = expected(takes)
            #expect(!wanted.isEmpty)
            #expect(try found(miner.triplets(embeddings: x, labels: names)) == wanted, "\(miner)")
        }
    }

    @Test(arguments: Device.all)
    func theLossIsThatOfItsTriplets(device: Device) throws {
        let margin = 0.2
        let names = try Tensor(labels, on: device)
        func total(_ numbers: [Double]) -> Double {
            let units = (0..<n).map { unit(Array(numbers[$0 * d..<($0 + 1) * d])) }
            let hinges = expected { _, _, _ in true }.map { triplet in
                max(0, distance(units[triplet[0]], units[triplet[1]]) - distance(units[triplet[0]], units[triplet[2]]) + margin)
            }
            return hinges.reduce(0, +) / Double(hinges.count)
        }
        let numbers = points().flatMap { $0 }
        let (value, slope) = try valueWithGradient(at: tensor(points(), on: device)) {
            try tripletMargin(embeddings: $0, labels: names, miner: .all, margin: margin, reducer: .mean)
        }
        #expect(abs(try value.scalar() - total(numbers)) < 1e-6)
        try expectClose(slope, centralDifferences(numbers, of: total), tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func withoutTripletsTheLossIsZero(device: Device) throws {
        let x = try tensor(points(), on: device)
        for names in [Array(0..<n), [Int](repeating: 3, count: n)] {
            for miner in [TripletMiner.all, .distanceWeighted()] {
                let (value, slope) = try valueWithGradient(at: x) {
                    try tripletMargin(embeddings: $0, labels: Tensor(names, on: device), miner: miner)
                }
                #expect(try value.scalar() == 0)
                #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 })
            }
        }
    }

    /// Drawn often enough, every negative comes as often as its weight says.
    @Test func distancesWeighTheDraw() throws {
        let units = points().map(unit)
        let x = try tensor(points(), on: .cpu)
        let (cutoff, lossCutoff, draws) = (0.5, 1.4, 2000)
        // Two rows are the anchor and its positive, all others negatives.
        let names = try Tensor((0..<n).map { max(1, $0) }, on: .cpu)
        var counts = [Double](repeating: 0, count: n)
        for seed in 0..<UInt64(draws) {
            let triplets = try found(
                TripletMiner.distanceWeighted(cutoff: cutoff, lossCutoff: lossCutoff, seed: seed).triplets(embeddings: x, labels: names))
            #expect(triplets.map { [$0[0], $0[1]] } == [[0, 1], [1, 0]])
            counts[triplets[0][2]] += 1
        }
        let weights = (0..<n).map { j -> Double in
            let apart = distance(units[0], units[j])
            guard j > 1, apart < lossCutoff else { return 0 }
            return 1 / max(apart, cutoff)
        }
        let total = weights.reduce(0, +)
        for j in 0..<n {
            let share = weights[j] / total
            #expect(abs(counts[j] / Double(draws) - share) <= 4 * (share * (1 - share) / Double(draws)).squareRoot(), "\(j)")
        }
    }

    @Test(arguments: Device.all)
    func badInputIsNamed(device: Device) throws {
        let x = try tensor(points(), on: device)
        expectRefusals([
            ("TripletMiner", { try TripletMiner.all.triplets(embeddings: x, labels: Tensor([1, 2], on: device)) }),
            ("integer labels", { try TripletMiner.all.triplets(embeddings: x, labels: x.sum(axes: [1])) }),
            ("embeddings", { try TripletMiner.all.triplets(embeddings: x.flattened(), labels: Tensor([1, 2], on: device)) }),
        ])
    }
}
