import Foundation
import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

/// Closed forms, limits and invariants of transport losses that catalogue rows ask for, beside the oracles; POT 0.9.7 gave the numbers.
@Suite struct TransportChecks {
    private func matrix(_ values: [Double], _ n: Int, on device: Device) throws -> Tensor {
        try Tensor(values.map { Float($0) }, shape: [n, n], on: device)
    }

    private func oracleDistance(_ s: Tensor, _ t: Tensor) throws -> Double {
        let oracle = LossOracle.buresWasserstein
        func matrix(_ tensor: Tensor) throws -> Matrix { Matrix(shape: [1] + tensor.shape, values: try tensor.array(of: Double.self)) }
        return try oracle.formula(.init(inputs: ["covariances": matrix(s), "targets": matrix(t)], options: [:]))[0]
    }

    @Test(arguments: Device.all)
    func gaussiansAreTransported(device: Device) throws {
        let s = try matrix([2, 0.3, 0.1, 0.3, 1, -0.2, 0.1, -0.2, 0.5], 3, on: device)
        let t = try matrix([1, -0.4, 0, -0.4, 1.5, 0.3, 0, 0.3, 0.8], 3, on: device)
        try expectClose(buresWasserstein(covariances: s, targets: t), [0.6003766851884571], tolerance: 1e-6)
        try expectClose(buresWasserstein(covariances: t, targets: s), [0.6003766851884571], tolerance: 1e-6)
        try expectClose(buresWasserstein(covariances: s, targets: s), [0], tolerance: 1e-6)
        // Matrices that commute: the distance of the roots of their eigenvalues.
        let (a, b) = ([4.0, 1, 0.25], [1.0, 9, 0])
        func diagonal(_ values: [Double]) throws -> Tensor {
            try matrix((0..<9).map { $0 % 4 == 0 ? values[$0 / 4] : 0 }, 3, on: device)
        }
        let expected = zip(a, b).reduce(0) { $0 + pow($1.0.squareRoot() - $1.1.squareRoot(), 2) }
        try expectClose(buresWasserstein(covariances: diagonal(a), targets: diagonal(b)), [expected], tolerance: 1e-6)
        // The derivative is I - A with A S A = T.
        let slope = try gradient(at: s) { try buresWasserstein(covariances: $0, targets: t) }
        let map = try Tensor.eye(3, on: device) - slope
        try expectClose(map.matmul(s).matmul(map), t.array(), tolerance: 1e-5)
        // Of factors of rank k the best are the leading eigenvectors; what is left is the sum of the other eigenvalues.
        let (values, vectors) = try eigh(t)
        for rank in 1...2 {
            let lead = try (vectors * values.squareRoot()).slice(axis: 1, from: 3 - rank)
            let tail = try values.slice(axis: 0, from: 0, to: 3 - rank).sum().scalar()
            let loss = { (factor: Tensor) in
                try buresWasserstein(covariances: factor.matmul(factor.transposed()), targets: t, smoothing: 0)
            }
            // Rounding the product to float32 moves its eigenvalues of 0, of which roots are taken: the formula of the rounded one.
            let rounded = try oracleDistance(lead.matmul(lead.transposed()), t)
            try expectClose(loss(lead), [rounded], tolerance: 1e-6)
            let (exact, wide) = (try eigh(t.to(.cpu).asType(.float64)), try t.to(.cpu).asType(.float64))
            let factor = try (exact.vectors * exact.values.squareRoot()).slice(axis: 1, from: 3 - rank)
            let distance = try buresWasserstein(covariances: factor.matmul(factor.transposed()), targets: wide)
            try expectClose(distance, [tail], tolerance: 2e-7)
            #expect(try gradient(at: lead, of: loss).norm().scalar() < 1e-2)
        }
        let pair = try Tensor.stack([s, t])
        let both = try buresWasserstein(covariances: pair, targets: Tensor.stack([t, t]), reduction: .none)
        try expectClose(both, [0.6003766851884571, 0], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func rootsSquareToTheMatrix(device: Device) throws {
        let s = try matrix([2, 0.3, 0.1, 0.3, 1, -0.2, 0.1, -0.2, 0.5], 3, on: device)
        let root = try matrixSquareRoot(s)
        try expectClose(root.matmul(root), s.array(), tolerance: 1e-6)
        guard device.hasFloat64 else { return }
        // Equal eigenvalues, for which a derivative by eigenvectors would divide by 0.
        for given in [s.asType(.float64), try Tensor.eye(3, dtype: .float64, on: device) * 2.0] {
            try expectGradient(at: [given], tolerance: 1e-6) { points in
                try matrixSquareRoot((points[0] + points[0].transposed()) * 0.5)
            }
            try expectGradient(at: [given], tolerance: 1e-6) { points in
                try gradient(at: points[0]) { try matrixSquareRoot(($0 + $0.transposed()) * 0.5).square().sum() * $0.sum() }
            }
        }
    }

    @Test(arguments: Device.all)
    func optimalMapsHaveNoGap(device: Device) throws {
        var random = SplitMix64(seed: 5)
        let x = try Tensor(random.values(24).map { Float($0) }, shape: [12, 2], on: device)
        // A translation and the gradient of a convex function are optimal; exchanged halves are not.
        let floor = 0.01 * log(12.0)
        for images in [x + 3, try x * Tensor([2, 0.5] as [Float], on: device)] {
            let gap = try mongeGap(points: x, images: images, epsilon: 0.01, tolerance: 1e-4, maximumIterations: 4000).scalar()
            #expect(gap >= floor - 1e-4 && gap < 2 * floor)
        }
        let turned = try mongeGap(points: x, images: -x, epsilon: 0.01, tolerance: 1e-4, maximumIterations: 4000).scalar()
        #expect(turned > 0.1)
    }

    private func logits(on device: Device) throws -> Tensor {
        try Tensor((0..<35).map { Float(3 * sin(2.3 * Double($0 * $0))) }, shape: [7, 5], on: device)
    }

    @Test(arguments: Device.all)
    func partialLabelsAgreeWithPOT(device: Device) throws {
        let z = try logits(on: device)
        let whole = try partialAssignmentLabels(logits: z, fraction: 1, epsilon: 0.7)
        try expectClose(
            whole[0], [0.012545842353909022, 0.14027142923653804, 0.04914976903215808, 0.7976600237402304, 0.0003729356371636025],
            tolerance: 1e-5)
        let sized = try partialAssignmentLabels(logits: z, fraction: 0.6, epsilon: 0.7, gamma: .infinity)
        try expectClose(
            sized[2], [0.0018940200593749862, 0.4232023104565044, 0.0010679192083867112, 0.0011609839427905364, 0.0002456913351819566],
            tolerance: 1e-5)
        for fraction in [0.1, 0.5, 1] {
            let labels = try partialAssignmentLabels(logits: z, fraction: fraction)
            let sums = try labels.sum(axes: [1]).array(of: Double.self)
            expectClose([sums.reduce(0, +)], [7 * fraction], tolerance: 1e-5)
            #expect(sums.allSatisfy { $0 <= 1 + 1e-5 })
        }
        #expect(partialAssignmentFraction(progress: 1) == 1 && abs(partialAssignmentFraction(progress: 0) - 0.10606) < 1e-5)
    }

    @Test(arguments: Device.all)
    func similaritiesPullLabelsTogether(device: Device) throws {
        let z = try logits(on: device)
        let plain = try partialAssignmentLabels(logits: z, fraction: 0.6, epsilon: 0.3)
        let ones = try Tensor.ones([7, 7], on: device)
        let same = try partialAssignmentLabels(logits: z, fraction: 0.6, epsilon: 0.3, similarities: ones, similarityWeight: 0)
        try expectClose(same, plain.array(), tolerance: 0)
        // With positive definite similarities no round makes the objective larger.
        let features = try logits(on: device)
        let s = try features.matmul(features.transposed()) * 0.02
        let similarities = try s.array(of: Double.self)
        let costs = try z.logSoftmax().array(of: Double.self).map { -$0 }
        func objective(_ labels: [Double]) -> Double {
            let q = labels.map { $0 / 7 }
            var value = 0.0
            for i in 0..<7 {
                let rest = 1 / 7 - (0..<5).reduce(0) { $0 + q[i * 5 + $1] }
                value += rest > 0 ? 0.3 * rest * log(rest) : 0
                for k in 0..<5 {
                    let own = q[i * 5 + k]
                    value += own * costs[i * 5 + k] + 0.3 * own * log(own)
                    for j in 0..<7 { value -= 0.5 * similarities[i * 7 + j] * own * q[j * 5 + k] }
                }
            }
            for k in 0..<5 {
                let size = (0..<7).reduce(0) { $0 + q[$1 * 5 + k] }
                value += size * log(size / 0.12) - size + 0.12
            }
            return value
        }
        var last = Double.infinity
        for rounds in [1, 2, 3, 6] {
            let labels = try partialAssignmentLabels(
                logits: z, fraction: 0.6, epsilon: 0.3, similarities: s, similarityWeight: 0.5, rounds: rounds)
            let value = objective(try labels.array())
            #expect(value <= last + 1e-6)
            try expectClose(labels.sum(), [4.2], tolerance: 1e-5)
            last = value
        }
        let slope = try gradient(at: z) { try partialAssignment(logits: $0, fraction: 0.6, epsilon: 0.3) }
        let expected = try (z.softmax() * plain.sum(axes: [1], keepDimensions: true) - plain) / 7
        try expectClose(slope, expected.array(), tolerance: 1e-6)
    }
}
