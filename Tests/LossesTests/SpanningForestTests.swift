import LossKit
import LossKitTestSupport
import Testing

/// Many small trees at once, and trees by mutual reachability.
@Suite struct SpanningForestTests {
    /// Clouds of ties, duplicates and random places beside each other.
    private func values(clouds: Int, n: Int, d: Int) -> [Float] {
        var random = SplitMix64(seed: 21)
        return (0..<clouds).flatMap { cloud in
            random.values(n * d).map { Float(cloud % 3 == 0 ? ($0 * 3).rounded() : cloud % 3 == 1 ? 0.5 : $0) }
        }
    }

    @Test(arguments: Device.all, [Metric.squaredEuclidean, .euclidean, .manhattan, .chebyshev])
    func manyTreesAreTheSingleOnesBitForBit(device: Device, metric: Metric) throws {
        for (clouds, n, d) in [(7, 37, 2), (4, 2, 3), (3, 150, 1)] {
            let values = values(clouds: clouds, n: n, d: d)
            let trees = try minimumSpanningTree(Tensor(values, shape: [1, clouds, n, d], on: device), metric: metric)
            #expect(trees.edges.shape == [1, clouds, n - 1, 2] && trees.lengths.shape == [1, clouds, n - 1])
            let single = try (0..<clouds).map { cloud in
                try minimumSpanningTree(
                    Tensor(Array(values[cloud * n * d..<(cloud + 1) * n * d]), shape: [n, d], on: device), metric: metric)
            }
            #expect(try trees.edges.array(of: Int.self) == single.flatMap { try $0.edges.array(of: Int.self) })
            #expect(try trees.lengths.array(of: Float.self) == single.flatMap { try $0.lengths.array(of: Float.self) })
        }
    }

    @Test(arguments: Device.all)
    func manyTreesTakeOneLaunchAndHaveTheGradientsOfSingleOnes(device: Device) throws {
        let (clouds, n, d) = (6, 20, 3)
        var random = SplitMix64(seed: 4)
        let values = random.values(clouds * n * d).map { Float($0) }
        let weights = try Tensor(random.values(clouds * (n - 1)).map { Float($0) }, shape: [clouds, n - 1], on: device)
        let points = try Tensor(values, shape: [clouds, n, d], on: device)
        let slope = try gradient(at: points) { try (minimumSpanningTree($0).lengths * weights).sum() }
        let expected = try (0..<clouds).flatMap { cloud -> [Double] in
            let own = try points.slice(axis: 0, from: cloud, to: cloud + 1).squeezed(axes: [0])
            let weight = try weights.slice(axis: 0, from: cloud, to: cloud + 1).squeezed(axes: [0])
            return try gradient(at: own) { try (minimumSpanningTree($0).lengths * weight).sum() }.array()
        }
        try expectClose(slope, expected, tolerance: 1e-6)
        func launches(_ clouds: Int) throws -> Int {
            let points = try Tensor.zeros([clouds, n, d], on: device).evaluated()
            return try Profiler.measure { try minimumSpanningTree(points).lengths.evaluated() }.1.launches
        }
        #expect(try launches(3) == launches(50))
        // The loss of many clouds is the mean of theirs.
        let embeddings = try points.slice(axis: 2, from: 0, to: 2) * 0.5
        let losses = try (0..<clouds).map { cloud in
            try topologicalSignature(
                inputs: points.slice(axis: 0, from: cloud, to: cloud + 1).squeezed(axes: [0]),
                embeddings: embeddings.slice(axis: 0, from: cloud, to: cloud + 1).squeezed(axes: [0])
            ).scalar()
        }
        try expectClose(topologicalSignature(inputs: points, embeddings: embeddings), [losses.reduce(0, +) / 6], tolerance: 1e-6)
    }

    @Test(arguments: Device.all, [1, 3])
    func mutualReachabilityIsPrimsBitForBit(device: Device, samples: Int) throws {
        for cloud in Cloud.all where cloud.n > samples {
            let tree = try mutualReachabilityTree(cloud.tensor(on: device), minimumSamples: samples)
            let expected = try #require(Cloud.mutualTrees[samples]?[cloud.name])
            #expect(try tree.edges.array(of: Int.self) == expected.flatMap { [$0.i, $0.j] }, "\(cloud.name)")
            #expect(try tree.lengths.array(of: Float.self).map(\.bitPattern) == expected.map(\.length.bitPattern), "\(cloud.name)")
        }
    }

    @Test(arguments: Device.all, [Metric.squaredEuclidean, .manhattan, .chebyshev])
    func soItIsUnderOtherMetrics(device: Device, metric: Metric) throws {
        let length: Cloud.Length = metric == .manhattan ? .manhattan : metric == .chebyshev ? .chebyshev : .squared
        for cloud in Cloud.all where 20..<200 ~= cloud.n {
            let tree = try mutualReachabilityTree(cloud.tensor(on: device), minimumSamples: 7, metric: metric)
            let expected = cloud.tree(length, cores: cloud.cores(length, 7))
            #expect(try tree.edges.array(of: Int.self) == expected.flatMap { [$0.i, $0.j] }, "\(cloud.name)")
            #expect(try tree.lengths.array(of: Float.self) == expected.map(\.length), "\(cloud.name)")
        }
    }

    @Test(arguments: Device.all)
    func badCloudsAreNamed(device: Device) throws {
        func clouds(_ values: [Float]) throws -> Tensor { try Tensor(values, shape: [2, values.count / 4, 2], on: device) }
        expectRefusals([
            ("point 1 of cloud 1", { try minimumSpanningTree(clouds([0, 0, 1, 0, 2, 0, .nan, 0])) }),
            ("points 0 and 1 of cloud 0", { try minimumSpanningTree(clouds([-3e38, 0, 3e38, 0, 2, 0, 3, 0])) }),
            ("[2, 1, 2]", { try minimumSpanningTree(clouds([0, 0, 1, 0])) }),
            ("3", { try mutualReachabilityTree(clouds([0, 0, 1, 0, 2, 0, 3, 0]).reshaped([4, 2]), minimumSamples: 4) }),
        ])
        #expect(try minimumSpanningTree(Tensor.zeros([0, 5, 2], on: device)).lengths.shape == [0, 4])
    }
}

extension Cloud {
    /// By how many neighbours a core has.
    fileprivate static let mutualTrees = Dictionary(
        uniqueKeysWithValues: [1, 3].map { k in
            let trees = all.filter { $0.n > k }.map { ($0.name, $0.tree(.euclidean, cores: $0.cores(.euclidean, k))) }
            return (k, Dictionary(uniqueKeysWithValues: trees))
        })
}
