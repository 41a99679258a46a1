extension Formula {
    /// One coordinate of a vector, a scalar; of a scalar itself.
    ///
    /// - Parameter index: From 0.
    public func coordinate(_ index: Int) -> Formula {
        guard let coordinates = node.coordinates else { return self }
        guard (0..<coordinates).contains(index) else {
            return Formula(
                Node(
                    .failed(
                        TensorError.invalidArgument(
                            operation: "Formula.coordinate", expected: "a coordinate in 0..<\(coordinates)", actual: "\(index)")),
                    coordinates: nil))
        }
        switch node.kind {
        case .variable(let points, let values):
            do {
                let axis = values.rank - 1
                return Formula(
                    Node(.variable(points, try values.slice(axis: axis, from: index, to: index + 1).squeezed(axes: [axis])), coordinates: nil))
            } catch {
                return Formula(Node(.failed(error), coordinates: nil))
            }
        case .apply(let opcode, let operands): return Self.apply(opcode, operands.map { Formula($0).coordinate(index) })
        case .constant, .total, .failed: return self
        }
    }

    /// The distance to another vector by a metric, as ``pairwiseDistance(_:_:metric:)-(_,_,Metric)`` has it.
    public func distance(to other: Formula, metric: Metric) -> Formula {
        switch metric {
        case .squaredEuclidean: return squaredDistance(to: other)
        case .euclidean: return distance(to: other)
        case .manhattan: return (self - other).absolute().coordinateSum()
        case .chebyshev:
            let differences = (self - other).absolute()
            return (1..<Swift.max(1, differences.coordinates ?? 1)).reduce(differences.coordinate(0)) {
                .maximum($0, differences.coordinate($1))
            }
        case .cosine:
            func length(_ vector: Formula) -> Formula { .maximum(vector.norm(), .constant(1e-8)) }
            return 1 - dot(other) / (length(self) * length(other))
        case .dot: return dot(other)
        }
    }
}
