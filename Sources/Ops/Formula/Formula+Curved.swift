extension Formula {
    /// The distance to another vector on a curved surface, as ``pairwiseDistance(_:_:metric:)-(_,_,CurvedMetric)`` has it.
    public func distance(to other: Formula, metric: CurvedMetric) -> Formula {
        switch metric {
        case .poincare:
            // The roots are no numbers outside the ball.
            func root(_ point: Formula) -> Formula { (1 - point.squaredNorm()).squareRoot() }
            return (distance(to: other) / (root(self) * root(other))).asinh() * 2
        case .lorentz:
            let time = (coordinate(0) - other.coordinate(0)).square()
            return ((squaredDistance(to: other) - time * 2).relu() / 4).squareRoot().asinh() * 2
        case .spherical: return (squaredDistance(to: other) / 4).arcLength
        case .haversine:
            guard node.coordinates == 2, other.node.coordinates == 2 else {
                let error = TensorError.shapeMismatch(
                    operation: "Formula.distance", expected: "latitudes and longitudes, two coordinates",
                    actual: [self, other].map { $0.node.coordinates.map { [$0] } ?? [] })
                return Formula(Node(.failed(error), coordinates: nil))
            }
            func halfTurn(_ axis: Int) -> Formula { ((coordinate(axis) - other.coordinate(axis)) * 0.5).sin().square() }
            return (halfTurn(0) + coordinate(0).cos() * other.coordinate(0).cos() * halfTurn(1)).arcLength
        }
    }

    /// From a quarter of a squared chord the angle of its arc; the derivatives where that is 0 or pi are 0.
    private var arcLength: Formula {
        let isHalf = self .>= .constant(1)
        let inner = Formula.select(isHalf, .constant(0.5), self)
        return .select(isHalf, .constant(.pi), (inner / (1 - inner)).squareRoot().atan() * 2)
    }
}
