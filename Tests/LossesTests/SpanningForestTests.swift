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
    func mutualReachabilityIsPrims(device: Device, samples: Int) throws {
        for cloud in Cloud.all where cloud.n <= 300 && cloud.n > samples && cloud.name != "tiny and huge" {
            let tree = try mutualReachabilityTree(cloud.tensor(on: device), minimumSamples: samples)
            let expected = cloud.mutualTree(samples)
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
    /// Prim's algorithm over all pairs by (the larger of length and both ends' distances to their k-th nearest others, i, j).
    fileprivate func mutualTree(_ k: Int) -> [(length: Float, i: Int, j: Int)] {
        func length(_ a: Int, _ b: Int) -> Float {
            var sum: Float = 0
            for c in 0..<d { sum = Length.euclidean.next(sum, values[a * d + c] - values[b * d + c]) }
            return sum.squareRoot()
        }
        let cores = (0..<n).map { i in (0..<n).filter { $0 != i }.map { length(i, $0) }.sorted()[k - 1] }
        func edge(_ a: Int, _ b: Int) -> (length: Float, i: Int, j: Int) {
            (max(length(a, b), cores[a], cores[b]), min(a, b), max(a, b))
        }
        var outside = Array(1..<n)
        var nearest = outside.map { edge(0, $0) }
        var tree: [(length: Float, i: Int, j: Int)] = []
        while let place = outside.indices.min(by: { nearest[$0] < nearest[$1] }) {
            let added = outside[place]
            tree.append(nearest[place])
            outside.remove(at: place)
            nearest.remove(at: place)
            for index in outside.indices {
                let fresh = edge(added, outside[index])
                if fresh < nearest[index] { nearest[index] = fresh }
            }
        }
        return tree.sorted { $0 < $1 }
    }
}
