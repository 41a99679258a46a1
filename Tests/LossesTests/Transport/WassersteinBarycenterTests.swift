import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Barycentres: beside iterative projections in doubles, closed forms, and POT 0.9.7 converged, which gave the numbers.
@Suite struct WassersteinBarycenterTests {
    private typealias Base = EntropicTransportTests

    /// Iterative Bregman projections by their definition.
    private struct Reference {
        /// [k][n].
        let distributions: [[Double]]
        /// [s][n].
        let costs: [[Double]]
        let shares: [Double]
        let epsilon: Double
        var isDebiased = false

        func solve(iterations: Int) -> [Double] {
            let kernel = costs.map { $0.map { exp(-$0 / epsilon) } }
            let (s, n) = (kernel.count, kernel[0].count)
            var v = distributions.map { _ in [Double](repeating: 1, count: s) }
            var (d, w) = ([Double](repeating: 1, count: s), [Double](repeating: 0, count: s))
            for _ in 0..<iterations {
                let through = distributions.indices.map { k -> [Double] in
                    let u = (0..<n).map { j in distributions[k][j] / (0..<s).reduce(0) { $0 + kernel[$1][j] * v[k][$1] } }
                    return kernel.map { row in zip(row, u).reduce(0) { $0 + $1.0 * $1.1 } }
                }
                w = (0..<s).map { i in d[i] * exp(shares.indices.reduce(0) { $0 + shares[$1] * log(through[$1][i]) }) }
                for k in v.indices { v[k] = (0..<s).map { w[$0] / through[k][$0] } }
                if isDebiased {
                    let blurred = kernel.map { row in zip(row, d).reduce(0) { $0 + $1.0 * $1.1 } }
                    d = (0..<s).map { (d[$0] * w[$0] / blurred[$0]).squareRoot() }
                }
            }
            let total = w.reduce(0, +)
            return w.map { $0 / total }
        }
    }

    private static let line = (0..<12).map { Double($0) / 11 }
    private static let bumps = [(0.25, 0.02), (0.8, 0.01)].map { centre, width in
        Base.weights(line.map { exp(-($0 - centre) * ($0 - centre) / width) + 1e-3 })
    }
    private static let lineCosts = line.map { x in line.map { (x - $0) * (x - $0) / 2 } }

    private func bumps(on device: Device) throws -> Tensor { try Tensor(Self.bumps.flatMap { $0 }, shape: [2, 12], on: device) }
    private func points(on device: Device) throws -> Tensor { try Tensor(Self.line.map { Float($0) }, shape: [12, 1], on: device) }

    private func normalized(_ values: [Double]) -> [Double] {
        let total = values.reduce(0, +)
        return values.map { $0 / total }
    }

    @Test(arguments: Device.all)
    func linesAgreeWithPOT(device: Device) throws {
        let (weights, points) = (try bumps(on: device), try points(on: device))
        let cost = TransportCost.points(points, points, power: 2)
        // `barycenter_sinkhorn` with equal weights: others it starts where its steps never lead to their barycentre.
        let equal = try wassersteinBarycenter(
            distributions: weights, cost: cost, epsilon: 0.01, options: .init(isDebiased: false, tolerance: 1e-5))
        #expect(equal.isConverged && equal.marginalError <= 1e-5 && !equal.schedule.isEmpty)
        try expectClose(
            equal.distribution,
            [
                0.0009818685303206274, 0.0019196897097336024, 0.009300600284218759, 0.04366025423998041, 0.1294350455550533,
                0.2378551666561095, 0.2714966831726949, 0.1922110316151193, 0.0845519971405044, 0.02329332711364825, 0.004289775451592345,
                0.0010045605310246412,
            ], tolerance: 2e-6)
        // `barycenter_debiased` after 100,000 steps. Where no mass is due it falls by steps that grow smaller: in doubles too 3,000 of them
        // end 4e-4 from there, on the image 1.1e-3.
        let shares = try Tensor([0.3, 0.7] as [Float], on: device)
        let debiased = try wassersteinBarycenter(
            distributions: weights, cost: cost, weights: shares, epsilon: 0.01, options: .init(tolerance: 1e-6, maximumIterations: 3000))
        try expectClose(
            debiased.distribution,
            normalized([
                0.0007371321690493257, 0.0005038295592984707, 0.0008977736105617534, 0.0009048896334053883, 3.791020892860295e-05,
                0.037519401031226765, 0.23849890134938714, 0.4542301750314254, 0.23084041352011048, 0.034355568842724345, 0,
                0.0014740050438825252,
            ]), tolerance: 2e-3)
    }

    /// With shares that differ, whatever the cost is given as, step for step.
    @Test(arguments: Device.all)
    func stepsAreThoseOfTheProjections(device: Device) throws {
        let (weights, points) = (try bumps(on: device), try points(on: device))
        let shares = try Tensor([1.5, 3.5] as [Float], on: device)
        let costs = try Tensor(Self.lineCosts.flatMap { $0 }.map { Float($0) }, shape: [12, 12], on: device)
        let cases: [(String, TransportCost)] = [
            ("points", .points(points, points, power: 2)), ("matrix", .matrix(costs)),
            ("points each", .points(points, try Tensor.stack([points, points]), power: 2)),
        ]
        for isDebiased in [false, true] {
            let reference = Reference(
                distributions: Self.bumps.map(Base.doubles), costs: Self.lineCosts, shares: [0.3, 0.7], epsilon: 0.02,
                isDebiased: isDebiased)
            for count in [1, 7, 60] {
                let expected = reference.solve(iterations: count)
                let options = BarycenterOptions(isDebiased: isDebiased, tolerance: 0, maximumIterations: count, annealing: 1)
                for (name, cost) in cases {
                    let found = try wassersteinBarycenter(
                        distributions: weights, cost: cost, weights: shares, epsilon: 0.02, options: options)
                    try expectClose(found.distribution, expected, tolerance: 1e-5, "\(name), debiased \(isDebiased), \(count) steps")
                    #expect(found.iterations == count && !found.isConverged)
                }
                let grid = try wassersteinBarycenter(
                    images: weights, weights: shares, epsilon: 0.02, spacing: [1 / 11], options: options)
                try expectClose(grid.distribution, expected, tolerance: 1e-5, "grid, debiased \(isDebiased), \(count) steps")
            }
        }
    }

    /// On points that are not the distributions' own, each with its own and empty ones among them.
    @Test(arguments: Device.all)
    func supportsMayDiffer(device: Device) throws {
        let support = (0..<20).map { Double($0) / 16 - 0.1 }
        let clouds: [[Double]] = [[0.1, 0.15, 0.2, 0.25, 0.3], [0.9, 0.8, 0.7, 0.6, 0.5]]
        let masses = [Base.weights([1, 2, 0, 1, 3]), Base.weights([2, 1, 1, 0, 1])]
        // Each as one problem on its own matrix of costs, side by side.
        let all = clouds.flatMap { $0 }
        let costs = support.map { x in all.map { abs(x - $0) } }
        let reference = Reference(
            distributions: [Base.doubles(masses[0]) + [0, 0, 0, 0, 0], [0, 0, 0, 0, 0] + Base.doubles(masses[1])], costs: costs,
            shares: [0.5, 0.5], epsilon: 0.05)
        let found = try wassersteinBarycenter(
            distributions: Tensor(masses.flatMap { $0 }, shape: [2, 5], on: device),
            cost: .points(
                Tensor(support.map { Float($0) }, shape: [20, 1], on: device), Tensor(all.map { Float($0) }, shape: [2, 5, 1], on: device),
                power: 1), epsilon: 0.05, options: .init(isDebiased: false, tolerance: 1e-5))
        #expect(found.isConverged)
        try expectClose(found.distribution, reference.solve(iterations: 400), tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func imagesAgreeWithPOT(device: Device) throws {
        let side = (0..<8).map { Double($0) / 7 }
        func image(_ x: Double, _ y: Double, _ width: Double) -> [Float] {
            Base.weights(
                (0..<64).map { (place: Int) -> Double in
                    let (u, v) = (side[place / 8] - x, side[place % 8] - y)
                    return exp(-(u * u + v * v) / width) + 1e-3
                })
        }
        let values = image(0.2, 0.3, 0.05) + image(0.7, 0.6, 0.03) + image(0.5, 0.9, 0.04)
        let images = try Tensor(values, shape: [3, 8, 8], on: device)
        let shares = try Tensor([0.5, 0.2, 0.3] as [Float], on: device)
        func solve(_ isDebiased: Bool) throws -> WassersteinBarycenter {
            try wassersteinBarycenter(
                images: images, weights: shares, epsilon: 0.02, spacing: [1 / 7],
                options: .init(isDebiased: isDebiased, tolerance: 1e-5, maximumIterations: 3000))
        }
        let (plain, debiased) = (try solve(false), try solve(true))
        #expect(plain.isConverged && plain.distribution.shape == [8, 8])
        try expectClose(
            plain.distribution[3],
            [
                0.0023360683048931747, 0.011764292502962926, 0.03686086605791271, 0.06942839211542987, 0.0790926946480449,
                0.05384359175348625, 0.021321798927472144, 0.004865033190530735,
            ], tolerance: 2e-6)
        try expectClose(
            debiased.distribution[3],
            [
                0.0006558470899397789, 0.0015443484645939573, 0.033342242556824546, 0.11249009922212824, 0.14882982475442544,
                0.06954288986680578, 0.006521211599198834, 0.0006212418800893221,
            ], tolerance: 2e-3)
        // A volume of one slice is the image.
        let slice = try wassersteinBarycenter(
            images: images.expandedDimensions(at: 1), weights: shares, epsilon: 0.02, spacing: [1, 1 / 7, 1 / 7],
            options: .init(isDebiased: false, tolerance: 1e-5))
        try expectClose(slice.distribution.flattened(), plain.distribution.flattened().array(), tolerance: 2e-6)
    }

    /// Of Gaussians of one width: debiased, that width at the mean of the means; otherwise wider, by Janati et al.'s equation.
    @Test(arguments: Device.all)
    func gaussiansHaveGaussianBarycenters(device: Device) throws {
        let grid = (0..<120).map { Double($0) / 100 - 0.1 }
        func gaussian(_ mean: Double, _ variance: Double) -> [Float] {
            Base.weights(grid.map { (x: Double) -> Double in exp(-(x - mean) * (x - mean) / (2 * variance)) })
        }
        let given = try Tensor(gaussian(0.3, 0.004) + gaussian(0.7, 0.004), shape: [2, 120], on: device)
        let shares = try Tensor([0.75, 0.25] as [Float], on: device)
        for (isDebiased, epsilon) in [(true, 0.005), (false, 0.005)] {
            let found = try wassersteinBarycenter(
                images: given, weights: shares, epsilon: epsilon, spacing: [0.01],
                options: .init(isDebiased: isDebiased, tolerance: 1e-5, maximumIterations: 2000))
            let masses = try found.distribution.array(of: Double.self)
            let mean = zip(masses, grid).reduce(0.0) { (sum: Double, at: (Double, Double)) -> Double in sum + at.0 * at.1 }
            let variance = zip(masses, grid).reduce(0.0) { (sum: Double, at: (Double, Double)) -> Double in
                sum + at.0 * (at.1 - mean) * (at.1 - mean)
            }
            // The barycentre's variance S solves S = sum of (sqrt(e^2 / 4 + S s) + e / 2) for each: a quadratic whose root is s + e.
            expectClose([mean, variance], [0.4, isDebiased ? 0.004 : 0.004 + epsilon], tolerance: 2e-4)
        }
        let one = try wassersteinBarycenter(
            images: given[0..<1], epsilon: 0.002, spacing: [0.01], options: .init(tolerance: 1e-5, maximumIterations: 3000))
        try expectClose(one.distribution, given[0].array(), tolerance: 1e-4)
    }

    @Test(arguments: Device.all)
    func freeSupportsAgreeWithPOT(device: Device) throws {
        let given = try Base.Given(on: device)
        let start = try Tensor((0..<12).map { Float(cos(0.9 * Double($0) + 0.4)) }, shape: [4, 3], on: device)
        let shares = try Tensor([0.3, 0.7] as [Float], on: device)
        let clouds: [(points: Tensor, weights: Tensor?)] = [(given.x, given.a), (given.y, given.b)]
        let exact = try freeSupportBarycenter(clouds, start: start, weights: shares, tolerance: 0, maximumIterations: 3)
        try expectClose(
            exact.points.flattened(),
            [
                0.7913092847607074, -0.20446350048545917, -0.9442563668066255, -0.7277412068580185, 0.05745888775460341,
                0.6341979748279398, 0.671112877663169, 0.6174435743606399, -0.5548803148312661, -0.023602402001564785, -0.807143057032139,
                -0.27722219386822056,
            ], tolerance: 1e-5)
        let entropic = try freeSupportBarycenter(clouds, start: start, weights: shares, epsilon: 0.1, tolerance: 0, maximumIterations: 3)
        #expect(entropic.iterations == 3 && !entropic.isConverged)
        try expectClose(
            entropic.points.flattened(),
            [
                0.79629390901108, -0.16862066431858636, -0.9330007131329218, -0.7375285155826803, 0.01803825430055353,
                0.6265272210685042, 0.6613103572878514, 0.6068868736528792, -0.5488358782385521, -0.008997198506963178,
                -0.7930085598644524, -0.28685153002800245,
            ], tolerance: 5e-5)
        // Of a cloud moved about, that cloud moved to the mean.
        let other = try given.x + Tensor([3, -1, 2] as [Float], on: device)
        let moved = try freeSupportBarycenter(
            [(given.x, given.a), (other, given.a)], start: given.x + 0.1, masses: given.a, weights: Tensor([3, 1] as [Float], on: device))
        #expect(moved.isConverged)
        let expected = try (given.x + Tensor([0.75, -0.25, 0.5] as [Float], on: device)).array(of: Double.self)
        try expectClose(moved.points, expected, tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func covariancesAgreeWithPOT(device: Device) throws {
        let means = try Tensor([1, 2, 3, 0, -1, 2] as [Float], shape: [2, 3], on: device)
        let factors = try Tensor((0..<18).map { cos(0.7 * Double($0)) }, shape: [2, 3, 3], on: .cpu)
        let covariances = try (factors.matmul(factors.swappingAxes(1, 2)) + Tensor.eye(3, dtype: .float64, on: .cpu) * 0.1)
            .asType(.float32).to(device)
        let shares = try Tensor([0.3, 0.7] as [Float], on: device)
        let found = try gaussianBarycenter(means: means, covariances: covariances, weights: shares)
        #expect(found.isConverged)
        try expectClose(found.mean, [0.3, -0.1, 2.3], tolerance: 1e-6)
        try expectClose(
            found.covariance.flattened(),
            [
                1.6982724603499888, -1.3788830574103734, -0.20602497988524887, -1.3788830574103734, 2.1293409029999872, -0.6701266421590272,
                -0.20602497988524882, -0.6701266421590271, 0.9826466296503856,
            ], tolerance: 1e-6)
        // Of matrices that commute, roots are averaged.
        let diagonal = try Tensor([1, 0, 0, 4, 9, 0, 0, 16] as [Float], shape: [2, 2, 2], on: device)
        let commuting = try gaussianBarycenter(means: means.slice(axis: 1, to: 2), covariances: diagonal, weights: shares)
        try expectClose(commuting.covariance.flattened(), [2.4 * 2.4, 0, 0, 3.4 * 3.4], tolerance: 1e-6)
        expectRefusals([
            ("covariances", { try gaussianBarycenter(means: means, covariances: diagonal) }),
            ("positive definite", { try gaussianBarycenter(means: means, covariances: covariances * 0) }),
            ("finite covariances", { try gaussianBarycenter(means: means, covariances: covariances / 0) }),
            ("means", { try gaussianBarycenter(means: means[0], covariances: covariances) }),
        ])
    }

    @Test(arguments: Device.all)
    func badInputIsAnsweredInOneLine(device: Device) throws {
        let (weights, points) = (try bumps(on: device), try points(on: device))
        let cost = TransportCost.points(points, points, power: 2)
        let tall = TransportCost.matrix(try Tensor.zeros([5, 12], on: device))
        func solve(_ weights: Tensor, _ cost: TransportCost, _ shares: Tensor? = nil, _ epsilon: Double = 1) throws -> WassersteinBarycenter
        {
            try wassersteinBarycenter(distributions: weights, cost: cost, weights: shares, epsilon: epsilon)
        }
        let clouds: [(points: Tensor, weights: Tensor?)] = [(points, nil)]
        expectRefusals([
            ("epsilon", { try solve(weights, cost, nil, 0) }), ("distributions", { try solve(-weights, cost) }),
            ("distribution 0 with the sum 2", { try solve(weights * 2, cost) }), ("distributions", { try solve(weights[0], cost) }),
            ("points", { try solve(weights, .points(points, points[0..<3], power: 2)) }),
            ("coordinates", { try solve(weights, .points(points / 0, points, power: 2)) }), ("symmetric", { try solve(weights, tall) }),
            ("costs", { try solve(weights, .matrix(Tensor.zeros([12, 5], on: device))) }),
            ("weights [2]", { try solve(weights, cost, Tensor.ones([3], on: device)) }),
            ("2 finite weights", { try solve(weights, cost, Tensor([1, -1] as [Float], on: device)) }),
            ("2 finite weights", { try solve(weights, cost, Tensor.zeros([2], on: device)) }),
            (
                "maximumIterations",
                {
                    try wassersteinBarycenter(images: weights, epsilon: 1, options: .init(maximumIterations: 0))
                }
            ), ("annealing", { try wassersteinBarycenter(images: weights, epsilon: 1, options: .init(annealing: 2)) }),
            ("spacing", { try wassersteinBarycenter(images: weights, epsilon: 1, spacing: [-1]) }),
            ("images", { try wassersteinBarycenter(images: weights[0], epsilon: 1) }),
            (
                "no derivative",
                { try gradient(at: weights) { try wassersteinBarycenter(images: $0, epsilon: 1).distribution.square().sum() } }
            ),
            ("clouds", { try freeSupportBarycenter([], start: points) }),
            (
                "masses",
                {
                    try freeSupportBarycenter(clouds, start: points, masses: Tensor([1] + [Float](repeating: 0, count: 11), on: device))
                }
            ), ("equal masses", { try freeSupportBarycenter(clouds, start: points, masses: Tensor.ones([12], on: device)) }),
            ("points", { try freeSupportBarycenter(clouds, start: Tensor.zeros([3, 2], on: device)) }),
            ("epsilon", { try freeSupportBarycenter(clouds, start: points, epsilon: -1) }),
        ])
    }
}
