import LossKitKernels

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A positive (or for the energy conditionally positive) function of two points, r = |x - y| their Euclidean distance.
public enum KernelFunction: Sendable, Equatable {
    /// exp(-r^2 / (2 bandwidth^2)).
    case gaussian(bandwidth: Double)
    /// exp(-r / bandwidth).
    case laplacian(bandwidth: Double)
    /// -r.
    case energy
    /// The Matern kernel: with s = sqrt(2 nu) r / lengthScale, exp(-s) for nu = 1/2, (1 + s) exp(-s) for 3/2, (1 + s + s^2 / 3) exp(-s) for
    /// 5/2.
    case matern(Smoothness, lengthScale: Double)
    /// (1 + r^2 / (2 alpha lengthScale^2))^-alpha.
    case rationalQuadratic(alpha: Double, lengthScale: Double)

    /// How often a Gaussian process with a Matern kernel can be differentiated.
    public enum Smoothness: Sendable, CaseIterable {
        /// nu = 1/2: not at all.
        case half
        /// nu = 3/2: once.
        case threeHalves
        /// nu = 5/2: twice.
        case fiveHalves
    }

    /// The kernel of two vectors as a formula.
    public func callAsFunction(_ x: Formula, _ y: Formula) -> Formula {
        switch self {
        case .gaussian(let bandwidth): return (x.squaredDistance(to: y) * (-0.5 / (bandwidth * bandwidth))).exp()
        case .laplacian(let bandwidth): return (x.distance(to: y) * (-1 / bandwidth)).exp()
        case .energy: return -x.distance(to: y)
        case .matern(let smoothness, let lengthScale):
            let r = x.distance(to: y)
            switch smoothness {
            case .half: return (r * (-1 / lengthScale)).exp()
            case .threeHalves:
                let s = r * (3.0.squareRoot() / lengthScale)
                return (1 + s) * (-s).exp()
            case .fiveHalves:
                let s = r * (5.0.squareRoot() / lengthScale)
                return (1 + s + s.square() * (1.0 / 3)) * (-s).exp()
            }
        case .rationalQuadratic(let alpha, let lengthScale):
            return ((x.squaredDistance(to: y) * (0.5 / (alpha * lengthScale * lengthScale))).log1p() * -alpha).exp()
        }
    }

    /// Throws where a length or exponent is not a positive number.
    package func checked(_ operation: String) throws -> KernelFunction {
        let lengths: [(String, Double)] =
            switch self {
            case .gaussian(let bandwidth), .laplacian(let bandwidth): [("bandwidth", bandwidth)]
            case .energy: []
            case .matern(_, let lengthScale): [("lengthScale", lengthScale)]
            case .rationalQuadratic(let alpha, let lengthScale): [("alpha", alpha), ("lengthScale", lengthScale)]
            }
        for (name, value) in lengths where !(value > 0 && value < .infinity) {
            throw TensorError.invalidArgument(operation: operation, expected: "\(name) > 0", actual: "\(value)")
        }
        return self
    }
}

/// The product of a kernel matrix with a vector or a matrix, sum_j K(x_i, y_j) b_j, without the matrix: O(n + m) memory.
///
/// Gradients for x, y and b, any number of times.
/// - Parameters:
///   - x: [n, d].
///   - y: [m, d].
///   - b: [m] or [m, e].
/// - Returns: [n] or [n, e].
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a length that is not positive,
///   ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``,
///   ``TensorError/deviceMismatch(operation:devices:)``.
/// - Note: Euclidean distances have gradient 0 at equal points.
public func kernelProduct(_ kernel: KernelFunction, _ x: Tensor, _ y: Tensor, _ b: Tensor) throws -> Tensor {
    try (kernel.checked("kernelProduct")(.x(x), .y(y)) * .y(b)).sum(over: .y)
}

/// The logarithm of a density at the points x, estimated from samples y with a Gaussian kernel.
///
/// `log p(x_i) = log sum_j w_j exp(-|x_i - y_j|^2 / (2 bandwidth^2)) - d / 2 log(2 pi bandwidth^2) - log sum_j w_j`, in O(n + m) memory.
/// - Parameters:
///   - x: [n, d].
///   - y: [m, d].
///   - weights: [m], not negative; equal ones by default.
/// - Returns: [n]; minus infinity where there is no sample.
/// - Throws: As ``kernelProduct(_:_:_:_:)``.
public func logKernelDensity(at x: Tensor, samples y: Tensor, bandwidth: Double, weights: Tensor? = nil) throws -> Tensor {
    guard bandwidth > 0, bandwidth < .infinity else {
        throw TensorError.invalidArgument(operation: "logKernelDensity", expected: "bandwidth > 0", actual: "\(bandwidth)")
    }
    let (first, second) = (Formula.x(x), Formula.y(y))
    let masses = try (first.squaredDistance(to: second) * (-0.5 / (bandwidth * bandwidth))).logSumExp(
        over: .y, weights: weights.map { .y($0) })
    let scale = Double(first.coordinates ?? 1) / 2 * log(2 * Double.pi * bandwidth * bandwidth)
    guard let weights else { return masses - (scale + log(Double(y.shape[0]))) }
    return try (masses - scale - weights.sum().log()).checked()
}
