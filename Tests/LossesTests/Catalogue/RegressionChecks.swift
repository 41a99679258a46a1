import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Closed forms, limits and invariants of regression, divergence and geometry losses that catalogue rows ask for, beside the oracles.
@Suite struct RegressionChecks {
    private func drawn(_ shape: [Int], seed: UInt64 = 1, in range: ClosedRange<Double> = -2...2, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try Tensor(random.values(shape.reduce(1, *), in: range).map { Float($0) }, shape: shape, on: device)
    }

    private func expectEqual(_ a: Tensor, _ b: Tensor, tolerance: Double = 4e-6, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try expectClose(a, b.array(of: Double.self), tolerance: tolerance, sourceLocation: sourceLocation)
    }

    @Test(arguments: Device.all)
    func keypointScalingEndsInItsRelatives(device: Device) throws {
        let (p, t) = try (drawn([3, 4, 2], on: device), drawn([3, 4, 2], seed: 2, on: device))
        let (sure, near) = try (Tensor.ones([3, 4], on: device), Tensor.full([4], 1e-6, on: device))
        func loss(_ thresholds: Tensor, _ alpha: Double) throws -> Tensor {
            try adaptiveKeypoints(predictions: p, targets: t, confidences: sure, thresholds: thresholds, alpha: alpha)
        }
        let plain = try l1(predictions: p, targets: t, reduction: .sum)
        try expectEqual(loss(Tensor.full([4], 1, on: device), 1), plain)
        try expectEqual(loss(near, 0.05), plain)
        try expectClose(loss(Tensor.full([4], 100, on: device), 0), [0])
    }

    @Test(arguments: Device.all)
    func signalsAgreeWithThemselves(device: Device) throws {
        let e = try drawn([3, 20], on: device)
        try expectClose(signalDice(predictions: e, targets: e, alpha: nil), [0], tolerance: 1e-6)
        try expectClose(signalDice(predictions: e, targets: -e, alpha: nil), [1], tolerance: 1e-6)
        let soft = try ((e.square() * 10).sigmoid() * e.absolute()).sum(axes: [1]) / e.absolute().sum(axes: [1])
        try expectEqual(signalDice(predictions: e, targets: e), 1 - soft.mean())
        let other = try drawn([3, 20], seed: 2, on: device)
        try expectEqual(
            signalDice(predictions: e, targets: other, alpha: nil), signalDice(predictions: e * 7, targets: other * 7, alpha: nil),
            tolerance: 1e-5)
        let none = try Tensor.zeros([1, 5], on: device)
        try expectClose(signalDice(predictions: none, targets: none), [0])
    }

    @Test(arguments: Device.all)
    func theBestDensityIsGibbs(device: Device) throws {
        let bins = try Tensor.linspace(-1, 1, count: 9, on: device)
        let y = try Tensor([0.3] as [Float], on: device)
        let best = try ((bins - y).absolute().squareRoot() * -5).reshaped([1, 9])
        let slope = try gradient(at: best) { try regressionAsClassification(logits: $0, targets: y, bins: bins) }
        try expectClose(slope, [Double](repeating: 0, count: 9), tolerance: 1e-6)
        // Between bins the density is interpolated, outside it is 0.
        let p = try Tensor([[0.1, 0.5, 0.4], [0.1, 0.5, 0.4], [0.1, 0.5, 0.4], [0.1, 0.5, 0.4]] as [[Float]], on: device)
        let at = try Tensor([0.25, 2, -0.1, 1.5] as [Float], on: device)
        try expectClose(conformity(probabilities: p, targets: at, range: 0...2), [0.2, 0.4, 0, 0.45], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func theBestScaleOfAJointIsItsDistance(device: Device) throws {
        let (p, t) = try (drawn([2, 5, 3], on: device), drawn([2, 5, 3], seed: 2, on: device))
        let apart = try (p - t).norm(axes: [2])
        let slope = try gradient(at: apart.log()) { try uncertainJoints(predictions: p, targets: t, logScales: $0) }
        try expectClose(slope, [Double](repeating: 0, count: 10), tolerance: 1e-6)
        try expectEqual(uncertainJoints(predictions: p, targets: t, logScales: Tensor.zeros([2, 5], on: device)), apart.mean())
        // A turned, scaled and moved pose is the same pose.
        let (c, s) = (Float(cos(0.7)), Float(sin(0.7)))
        let turn = try Tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]], on: device)
        let moved = try p.matmul(turn) * 2.5 + 3
        try expectClose(alignedJoints(predictions: moved, targets: p), [0], tolerance: 1e-5)
        try expectEqual(
            alignedJoints(predictions: moved, targets: t), alignedJoints(predictions: p, targets: t), tolerance: 1e-5)
        // A mirrored one is not.
        #expect(try alignedJoints(predictions: p * Tensor([1, 1, -1] as [Float], on: device), targets: p).scalar() > 0.1)
    }

    @Test(arguments: Device.all)
    func countsEstimateTheSquaredDistanceWithoutBias(device: Device) throws {
        // The mean over all outcomes of 3 draws from p and 2 from q of three letters, each with its probability.
        let (p, q) = ([0.5, 0.3, 0.2], [0.1, 0.3, 0.6])
        var (targets, models, chances): ([Float], [Float], [Float]) = ([], [], [])
        for code in 0..<243 {
            let letters = (0..<5).map { code / [1, 3, 9, 27, 81][$0] % 3 }
            var (a, b): ([Float], [Float]) = ([0, 0, 0], [0, 0, 0])
            for letter in letters[..<3] { a[letter] += 1 }
            for letter in letters[3...] { b[letter] += 1 }
            targets += a
            models += b
            chances.append(Float(letters[..<3].reduce(1) { $0 * p[$1] } * letters[3...].reduce(1) { $0 * q[$1] }))
        }
        let estimates = try sampleQuadratic(
            targetCounts: Tensor(targets, shape: [243, 3], on: device), modelCounts: Tensor(models, shape: [243, 3], on: device),
            reduction: .none)
        let expected = zip(p, q).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        try expectClose((estimates * Tensor(chances, on: device)).sum(), [expected], tolerance: 1e-6)
        #expect(try estimates.min().scalar() < 0)
    }

    @Test(arguments: Device.all)
    func cauchySchwarzVanishesWhereNothingDiffers(device: Device) throws {
        let (x, y) = try (drawn([12, 2], on: device), drawn([9, 2], seed: 2, on: device))
        try expectClose(cauchySchwarz(x: x, y: x), [0], tolerance: 1e-6)
        try expectEqual(cauchySchwarz(x: x, y: y), cauchySchwarz(x: y, y: x))
        #expect(try cauchySchwarz(x: x, y: y).scalar() > 0)
        try expectClose(cauchySchwarzInformation(x: x, t: Tensor.ones([12, 3], on: device)), [0], tolerance: 2e-6)
        try expectClose(cauchySchwarzInformation(x: x, t: x, isNormalized: true), [1], tolerance: 1e-6)
        try expectClose(conditionalCauchySchwarz(x: x, targets: x, predictions: x), [0], tolerance: 1e-6)
        // Two points are two Gaussians of variance sigma^2: the distance of their means over 2 sigma^2.
        let (a, b) = try (Tensor([[0]] as [[Float]], on: device), Tensor([[3]] as [[Float]], on: device))
        try expectClose(cauchySchwarz(x: a, y: b, sigma: 2), [9.0 / 4], tolerance: 1e-6)
        // Far apart, kernels underflow; their logarithms do not.
        try expectClose(cauchySchwarz(x: a, y: b * 100), [90000], tolerance: 1e-6)
    }

    @Test(arguments: Device.all, RobustDivergence.allCases)
    func theWorstExpectationLiesBetweenItsLimits(device: Device, divergence: RobustDivergence) throws {
        let v = try drawn([4, 6], on: device)
        let p = try drawn([4, 6], seed: 2, on: device).softmax()
        func value(_ lambda: Double) throws -> [Double] {
            try robustExpectation(values: v, probabilities: p, lambda: lambda, divergence: divergence, reduction: .none).array()
        }
        let (least, mean) = try (v.min(axes: [1]).array(of: Double.self), (p * v).sum(axes: [1]).array(of: Double.self))
        for (i, value) in try value(0.5).enumerated() { #expect(value >= least[i] - 1e-6 && value <= mean[i] + 1e-6) }
        expectClose(try value(1e5), mean, tolerance: 1e-4)
        if divergence != .chiSquare { expectClose(try value(1e-3), least, tolerance: 5e-3) }
        // The gradient is the worst distribution itself, whose price the value includes.
        let worst = try gradient(at: v) {
            try robustExpectation(values: $0, probabilities: p, lambda: 0.7, divergence: divergence, reduction: .sum)
        }
        try expectClose(worst.sum(axes: [1]), [1, 1, 1, 1], tolerance: 1e-5)
        #expect(try worst.min().scalar() >= -1e-6)
        let price: Tensor =
            switch divergence {
            case .totalVariation: try (worst - p).absolute().sum(axes: [1]) * 0.5
            case .kullbackLeibler: try (worst * (worst / p).log()).sum(axes: [1])
            case .chiSquare: try ((worst - p).square() / p).sum(axes: [1])
            }
        let whole: Tensor = try (worst * v).sum(axes: [1]) + price * 0.7
        try expectClose(whole, value(0.7), tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func theBallFlattensToTheEuclideanSpace(device: Device) throws {
        let (u, v) = try (drawn([5, 3], on: device), drawn([5, 3], seed: 2, on: device))
        let apart = try (u - v).norm(axes: [1])
        try expectEqual(poincareDistance(u, v, curvature: 1e-6), apart * 2, tolerance: 1e-3)
        let small = try (poincarePoints(features: u), poincarePoints(features: v))
        try expectEqual(poincareDistance(small.0, small.1), poincareDistance(small.1, small.0), tolerance: 1e-5)
        let origin = try Tensor.zeros([5, 3], on: device)
        let length = try small.1.norm(axes: [1])
        try expectEqual(poincareDistance(origin, small.1), length.atanh() * 2, tolerance: 1e-5)
        // Twice the tangent vector's length, as the metric at 0 is 2.
        try expectEqual(poincareDistance(origin, small.1), v.norm(axes: [1]) * 2, tolerance: 1e-4)
        let normals = try drawn([4, 3], seed: 3, on: device)
        let offsets = try drawn([4, 3], seed: 4, on: device)
        let flat = try poincareLogits(points: u, offsets: offsets, normals: normals, curvature: 1e-6)
        let apartness: Tensor = try u.expandedDimensions(at: 1) - offsets
        try expectEqual(flat, (apartness * normals).sum(axes: [2]) * 4, tolerance: 1e-3)
    }

    @Test(arguments: Device.all)
    func rigidMotionsCostNothing(device: Device) throws {
        let x = try drawn([6, 3], on: device)
        let list: [[Int32]] = [[1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 0], [5, 0, 1], [0, 1, 2]]
        let neighbours = try Tensor(list, on: device)
        let weights = try Tensor.full([6, 3], 0.5, on: device)
        let (c, s) = (Float(cos(0.3)), Float(sin(0.3)))
        let turn = try Tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]], on: device)
        let moved = try x.matmul(turn.swappingAxes(0, 1)) + 2
        let still = try Tensor([1, 0, 0, 0] as [Float], on: device).broadcast(to: [6, 4])
        // The quaternion of a turn by 0.6 / 2 about z.
        let turned = try Tensor([Float(cos(0.15)), 0, 0, Float(sin(0.15))], on: device).broadcast(to: [6, 4])
        try expectClose(localIsometry(points: moved, initial: x, neighbours: neighbours, weights: weights), [0], tolerance: 2e-6)
        let rigid = try localRigidity(
            points: moved, previous: x, rotations: turned, previousRotations: still, neighbours: neighbours, weights: weights)
        try expectClose(rigid, [0], tolerance: 2e-6)
        try expectClose(
            rotationSimilarity(rotations: turned, previousRotations: still, neighbours: neighbours, weights: weights), [0], tolerance: 2e-6)
        #expect(
            try localRigidity(
                points: moved, previous: x, rotations: still, previousRotations: still, neighbours: neighbours, weights: weights
            ).scalar() > 0.1)
        try expectClose(momentum(points: x, previous: x - 1, next: x + 1), [0], tolerance: 2e-6)
    }

    @Test(arguments: Device.all)
    func aFlatGaussianIsItsPlane(device: Device) throws {
        let heights: [Float] = [0.02, 0.05, -0.1, 0.15]
        let places: [Float] = [0, 0, 0.02, 0, 0, 0.05, 0, 0, -0.1, 0, 0, 0.15]
        let samples = try Tensor(places, shape: [4, 3], on: device)
        func loss(_ distances: [Float]) throws -> Tensor {
            try surfaceAlignment(
                samples: samples, centers: Tensor.zeros([1, 3], on: device), rotations: Tensor.eye(3, on: device).reshaped([1, 3, 3]),
                scales: Tensor([[1, 1, 0.1]] as [[Float]], on: device), opacities: Tensor.ones([1], on: device),
                neighbours: Tensor.zeros([4, 1], dtype: .int64, on: device), distances: Tensor(distances, on: device))
        }
        try expectClose(loss(heights), [0], tolerance: 1e-5)
        try expectClose(loss(heights.map { abs($0) + 0.01 }), [0.1], tolerance: 1e-4)
        let same = try normalConsistency(
            samples: samples, owners: Tensor([0, 1, 0, 1] as [Int32], on: device), centers: Tensor.zeros([2, 3], on: device),
            rotations: Tensor.stack([Tensor.eye(3, on: device), Tensor.eye(3, on: device) * -1]),
            scales: Tensor([[1, 1, 0.1], [1, 2, 0.2]] as [[Float]], on: device), opacities: Tensor.full([2], 0.5, on: device),
            neighbours: Tensor([[0, 1], [0, 1], [0, 1], [0, 1]] as [[Int32]], on: device))
        try expectClose(same, [0], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func disjointObjectsCostNothing(device: Device) throws {
        let x = try Tensor.linspace(-3, 3, count: 25, on: device)
        func spheres(_ gap: Double) throws -> Tensor { try Tensor.stack([(x - gap).absolute() - 1, (x + gap).absolute() - 1], axis: 1) }
        try expectClose(objectDistinction(distances: spheres(1.5)), [0])
        let inside = try objectDistinction(distances: spheres(0.5), reduction: .none).array(of: Double.self)
        for (place, value) in zip(try x.array(of: Double.self), inside) where abs(place) < 0.5 { #expect(value > 0) }
    }

    @Test(arguments: Device.all)
    func pathsOfOneStepAreSums(device: Device) throws {
        let (x, y) = try (drawn([3, 1, 2], on: device), drawn([3, 6, 2], seed: 2, on: device))
        let sums = try pairwiseDistance(x, y, metric: .squaredEuclidean).sum(axes: [1, 2])
        try expectEqual(softDTW(x: x, y: y, gamma: 0.3, reduction: .none), sums)
        try expectEqual(dtw(x: x, y: y, metric: .squaredEuclidean, reduction: .none), sums)
        // Repeating steps costs nothing; a cold soft minimum is the minimum; sequences of themselves have no divergence.
        let slow = try y.take(Tensor([0, 0, 1, 2, 2, 2, 3, 4, 5, 5] as [Int32], on: device), axis: 1)
        try expectClose(dtw(x: y, y: slow), [0], tolerance: 1e-6)
        try expectEqual(softDTW(x: slow, y: y * 0.5, gamma: 1e-4), dtw(x: slow, y: y * 0.5, metric: .squaredEuclidean), tolerance: 1e-3)
        try expectClose(softDTW(x: y, y: y, isDivergence: true), [0], tolerance: 1e-6)
        let long = try drawn([2, 300, 2], on: device)
        let (value, slope) = try valueWithGradient(at: long) { try softDTW(x: $0, y: long.flipped(axes: [1]), gamma: 0.5) }
        #expect(try value.scalar().isFinite && slope.isFinite().all().booleans() == [true])
    }
}
