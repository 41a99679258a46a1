import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Single linkage and HDBSCAN; SciPy 1.17.1 and hdbscan 0.8.44 gave the numbers.
@Suite struct ClusteringTests {
    private func points(_ n: Int, on device: Device) throws -> Tensor {
        let values = (0..<n).flatMap { i -> [Float] in
            let x: Double = sin(3.8 * Double(i * i)) * Double(1 + i % 4) + Double(i % 3 * 9)
            let y: Double = cos(4.4 * Double(i * i)) * (1 + Double(i % 5) / 2) + Double(i % 2 * 9)
            return [Float(x), Float(y)]
        }
        return try Tensor(values, shape: [n, 2], on: device)
    }

    /// Labels by first appearance, noise apart.
    private func renamed(_ labels: [Int]) -> [Int] {
        var names: [Int: Int] = [:]
        return labels.map { label in
            guard label >= 0 else { return -1 }
            let name = names[label] ?? names.count
            names[label] = name
            return name
        }
    }

    @Test(arguments: Device.all)
    func linkageIsSciPys(device: Device) throws {
        let linkage = try singleLinkage(points(12, on: device))
        let expected = [
            4.0, 10.0, 1.299948, 2.0, 3.0, 9.0, 1.580648, 2.0, 1.0, 7.0, 1.799502, 2.0, 5.0, 11.0, 2.401975, 2.0, 2.0, 8.0, 2.455659, 2.0,
            0.0, 6.0, 3.036063, 2.0, 13.0, 14.0, 4.605665, 4.0, 17.0, 18.0, 7.324677, 6.0, 15.0, 16.0, 7.343801, 4.0, 12.0, 20.0, 7.640361,
            6.0, 19.0, 21.0, 7.666572, 12.0,
        ]
        try expectClose(linkage.linkageMatrix(), expected, tolerance: 1e-6)
        #expect(try linkage.clusters(count: 3).array(of: Int.self) == [0, 0, 1, 0, 2, 1, 0, 0, 1, 0, 2, 1])
        #expect(try linkage.clusters(atHeight: 3).array(of: Int.self) == [0, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5])
        #expect(try linkage.clusters(count: 1).array(of: Int.self) == [Int](repeating: 0, count: 12))
        #expect(try linkage.clusters(count: 12).array(of: Int.self) == Array(0..<12))
    }

    private static let labels = [
        0, 1, 2, 3, 4, -1, 0, 1, 2, 3, 4, -1, 0, 1, 2, 3, 4, -1, 0, 5, 2, 3, -1, -1, 0, 1, 2, 3, 4, 5, 0, 5, 2, 3, -1, 5, 0, 1,
        2, 3, 4, 5, 0, 5, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, -1, 0, 1, 2, 3, 4, -1, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4,
        5, 0, 1,
    ]
    private static let probabilities = [
        1, 1, 0.576203, 1, 0.992736, 0, 0.555178, 0.669743, 1, 1, 1, 0, 1, 0.792366, 1, 0.90173, 1, 0, 0.795693, 0.814085, 1, 1,
        0, 0, 0.932654, 1, 0.568429, 0.626529, 0.660031, 0.989239, 0.671458, 0.864971, 0.729003, 0.688417, 0, 1, 0.984331, 1,
        0.381529, 0.686866, 0.992736, 1, 0.577053, 0.987524, 1, 1, 0.702993, 1, 1, 0.818149, 0.906157, 1, 0.944313, 1, 0.573732,
        1, 0.909676, 1, 1, 0, 0.817724, 1, 0.523018, 0.643322, 0.882263, 0, 1, 0.633998, 1, 0.508119, 1, 1, 1, 0.895198,
        0.640334, 1, 1, 1, 0.931999, 0.747302,
    ]
    private static let stabilities = [
        0.862099, 1.017209, 1.349137, 1.527788, 1.800694, 2.082033, 2.321422, 2.720954, 2.727742, 5.270619, 17.542599,
    ]

    /// What no order of points that are equally far apart changes.
    @Test(arguments: Device.all)
    func densityClustersAreThoseOfTheHDBSCANPackage(device: Device) throws {
        let points = try points(80, on: device)
        let tree = try mutualReachabilityTree(points, minimumSamples: 4)
        try expectClose(tree.lengths.asType(.float32).sum(), [181.51315793455737], tolerance: 1e-6)
        for selection in HDBSCAN.Selection.allCases {
            let found = try hdbscan(points, minimumClusterSize: 5, minimumSamples: 4, selection: selection)
            #expect(try renamed(found.labels.array(of: Int.self)) == Self.labels)
            try expectClose(found.probabilities, Self.probabilities, tolerance: 2e-6)
            #expect(found.tree.rows.count == 90)
            expectClose(found.tree.stabilities.sorted(), Self.stabilities, tolerance: 2e-6)
        }
        let single = try hdbscan(points, minimumClusterSize: 40, minimumSamples: 2, allowsSingleCluster: true)
        #expect(try Set(single.labels.array(of: Int.self)) == [0, -1])
        expectClose(single.tree.stabilities, [20.840176], tolerance: 2e-6)
    }

    /// Points of one place are infinitely dense; what is left is noise, and nothing is NaN.
    @Test(arguments: Device.all)
    func duplicatesAndCollinearPointsCluster(device: Device) throws {
        let values = (0..<30).map { i -> Float in i < 10 ? 1 : i < 20 ? 5 : Float(i * i) }
        let found = try hdbscan(Tensor(values, shape: [30, 1], on: device), minimumClusterSize: 4, minimumSamples: 3)
        let labels = try found.labels.array(of: Int.self)
        #expect(Set(labels[..<10]).count == 1 && Set(labels[10..<20]).count == 1 && labels[0] != labels[10] && labels[0] >= 0)
        #expect(try found.probabilities.array(of: Float.self).allSatisfy { 0...1 ~= $0 })
        let same = try hdbscan(Tensor.ones([8, 2], on: device))
        #expect(try same.labels.array(of: Int.self).allSatisfy { $0 == -1 })
        let heights = try copheneticDistances(Tensor([0, 1, 3, 3.5] as [Float], shape: [4, 1], on: device))
        try expectClose(heights, [0, 1, 2, 2, 1, 0, 2, 2, 2, 2, 0, 0.5, 2, 2, 0.5, 0])
    }

    @Test(arguments: Device.all)
    func badClusteringsAreAnsweredInOneLine(device: Device) throws {
        let points = try points(6, on: device)
        let broken = try Tensor([0, 1, .nan] as [Float], shape: [3, 1], on: device)
        expectRefusals([
            ("[1, 2]", { try hdbscan(Tensor.ones([1, 2], on: device)) }), ("point 2", { try hdbscan(broken, minimumSamples: 1) }),
            ("minimumSamples", { try hdbscan(points, minimumSamples: 6) }),
            ("minimumClusterSize", { try hdbscan(points, minimumClusterSize: 1) }),
            ("count", { try singleLinkage(points).clusters(count: 7) }),
            ("dot", { try hdbscan(points, metric: .dot) }), ("[2]", { try singleLinkage(Tensor.ones([2], on: device)) }),
            ("[3]", { try copheneticDistances(Tensor.ones([3], on: device)) }),
        ])
    }
}
