import LossKit

/// How far two float32 results of one formula may lie apart, element by element: a part of the element, a part of the largest element,
/// and, for sums whose terms cancel, a part of the terms' sum without their signs.
struct Tolerance {
    var relative: Double
    var ofLargest: Double
    var absolute = 0.0

    /// Nil where the two agree, else the worst element in words.
    func disagreement(_ actual: Tensor, _ expected: Tensor) throws -> String? {
        guard actual.shape == expected.shape else { return "its shape is \(actual.shape), expected \(expected.shape)" }
        guard expected.count > 0 else { return nil }
        let (found, wanted) = (try actual.to(.cpu).flattened(), try expected.to(.cpu).flattened())
        let magnitude = wanted.absolute()
        let allowed = try magnitude * relative + magnitude.max() * ofLargest + absolute
        let distance = (found - wanted).absolute()
        // Not a number is never within a tolerance.
        let isClose = distance .<= allowed
        guard try !isClose.all().booleans()[0] else { return nil }
        let excess = Tensor.select(distance.isFinite(), distance - allowed, try .full([], .infinity))
        let worst = Int(try excess.argMax(axis: 0).scalar())
        return "element \(worst) is \(try found[worst].scalar()), expected \(try wanted[worst].scalar())"
    }
}
