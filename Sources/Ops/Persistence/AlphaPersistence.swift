import LossKitKernels

/// Persistent homology of points in the plane or in space by their alpha complex: components, loops and voids of the union of balls around them, by the
/// squares of the balls' radii. Coefficients are those of Z/2.
///
/// The diagrams are those of the Cech filtration, at the cost of a Delaunay triangulation: its simplices appear at the square of the radius of their
/// smallest empty sphere. GUDHI's `AlphaComplex`.
/// Gradient: a birth or a death is the squared radius of the smallest sphere through the points of one simplex, its generator: with the centre c as the
/// weights w of these points, `2 w_i (x_i - c)`. The pairing is a constant, so where it changes this is a subgradient. Once differentiable.
///
/// - Parameters:
///   - points: [n, 2] or [n, 3], floating point, finite, 1 to 2^26 of them. Of points in one place the first counts.
///   - isSquared: Whether births and deaths are squares of radii, or the radii, whose derivative at 0 is 0.
/// - Returns: A diagram for each dimension below that of the points, of the classes that live for some time, in the order of deaths. Generators are the
///   vertices of simplices, [pairs, d + 1], filled up with -1.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for other shapes,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first point that is not finite;
///   ``TensorError/notDifferentiable(operation:order:)`` where a second derivative is asked for;
///   ``DeviceError/outOfMemory(device:requested:inUse:cached:limit:)``.
/// - Note: On the host: points in float32, predicates exactly, radii in float64. Points on one line or in one plane are taken within that.
///   Source: H. Edelsbrunner, E. Muecke, Three-dimensional alpha shapes, 1994.
public func alphaPersistence(_ points: Tensor, isSquared: Bool = true) throws -> [PersistenceDiagram] {
    let operation = "alphaPersistence"
    guard try points.checked().rank == 2, points.dtype.isFloatingPoint, 2...3 ~= points.shape[1],
        1...SimplicialPersistence.mostVertices ~= points.shape[0]
    else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "1 to 2^26 floating-point points [n, 2] or [n, 3]", actual: [points.shape])
    }
    let single = stopGradient(points).asType(.float32)
    if let row = try single.isFinite().all(axes: [1]).booleans().firstIndex(of: false) {
        throw TensorError.invalidArgument(operation: operation, expected: "finite coordinates", actual: "point \(row) is not")
    }
    let (d, device) = (points.shape[1], points.device)
    let places = try single.array(of: Float.self)
    let found = try SimplicialPersistence(alphaComplexOf: places, d: d).classes
    func generators(_ simplices: [[Int32]]) throws -> Tensor {
        let filled = simplices.flatMap { $0 + [Int32](repeating: -1, count: d + 1 - $0.count) }
        return try Tensor(filled, shape: [simplices.count, d + 1], on: device)
    }
    func values(_ simplices: [[Int32]]) throws -> Tensor {
        let squares = try points.squaredCircumradii(of: simplices, places)
        return isSquared ? squares : squares.squareRoot()
    }
    return try (0..<d).map { dimension in
        let classes = found.filter { $0.dimension == dimension }
        let ending = classes.filter { $0.death != nil }
        let (births, deaths) = (ending.map(\.birth), ending.compactMap(\.death))
        return PersistenceDiagram(
            dimension: dimension, births: try values(births), deaths: try values(deaths), birthGenerators: try generators(births),
            deathGenerators: try generators(deaths), essentialBirths: try values(classes.filter { $0.death == nil }.map(\.birth)))
    }
}

extension Tensor {
    /// The squared radii of the smallest spheres through points of this [n, d], which are `places` in float32.
    fileprivate func squaredCircumradii(of simplices: [[Int32]], _ places: [Float]) throws -> Tensor {
        let (n, d) = (shape[0], shape[1])
        let spheres = simplices.map { Circumsphere(through: $0, of: places, d: d) }
        let squares = spheres.map(\.square)
        guard squares.allSatisfy({ Float($0).isFinite }) else {
            throw TensorError.invalidArgument(
                operation: "alphaPersistence", expected: "radii whose squares float32 can hold", actual: "a larger one")
        }
        let value = try Tensor(squares, dtype: dtype, on: device)
        return Tensor.record("circumspheres", inputs: [self], output: value) { [self] pullback in
            guard !Tensor.records([self, pullback.cotangent]) else {
                throw TensorError.notDifferentiable(operation: "alphaPersistence", order: 2)
            }
            let cotangent = try pullback.cotangent.array(of: Double.self)
            var slope = [Double](repeating: 0, count: n * d)
            for (index, (sphere, simplex)) in zip(spheres, simplices).enumerated() {
                for (weight, vertex) in zip(sphere.weights, simplex) {
                    for k in 0..<d {
                        let place = Int(vertex) * d + k
                        slope[place] += 2 * cotangent[index] * weight * (Double(places[place]) - sphere.center[k])
                    }
                }
            }
            return [try Tensor(slope, shape: [n, d], dtype: dtype, on: device)]
        }
    }
}
