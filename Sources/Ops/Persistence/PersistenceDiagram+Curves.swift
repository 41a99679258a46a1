/// Diagrams as functions of the filtration's value, sampled on a grid. Classes that never die count where it is said.
extension PersistenceDiagram {
    /// How many classes are alive at each value, those that never die included: `#{births <= t < deaths}`; GUDHI's `BettiCurve`.
    ///
    /// - Parameter grid: [g].
    /// - Returns: [g], whole numbers, without a gradient.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` unless the grid is a list.
    public func bettiCurve(at grid: Tensor) throws -> Tensor {
        let t = try values(grid, "bettiCurve")
        let alive = try isAlive(at: t).asType(.float32).sum(axes: [1])
        return try alive + (stopGradient(essentialBirths) .<= t).asType(.float32).sum(axes: [1])
    }

    /// Each class's tent `max(0, min(t - birth, death - t))`, of which the largest, the second and so on: Bubenik's landscapes.
    ///
    /// Gradient: that of the tent that is k-th at a value; twice differentiable, the second derivative is 0.
    /// - Parameters:
    ///   - grid: [g].
    ///   - count: How many, at least 1; those beyond the classes are 0.
    /// - Returns: [count, g]. GUDHI's `Landscape` is sqrt(2) times that.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` unless the grid is a list,
    ///   ``TensorError/invalidArgument(operation:expected:actual:)`` for a count below 1.
    /// - Note: P. Bubenik, Statistical topological data analysis using persistence landscapes, 2015.
    public func landscapes(at grid: Tensor, count: Int = 5) throws -> Tensor {
        guard count > 0 else {
            throw TensorError.invalidArgument(operation: "landscapes", expected: "a count of at least 1", actual: "\(count)")
        }
        let tents = try tents(at: values(grid, "landscapes"))
        let found = min(count, births.count)
        guard found > 0 else { return try .zeros([count, grid.count], dtype: births.dtype, on: births.device) }
        return try tents.topK(found, axis: 1).values.transposed().padded(axis: 0, after: count - found)
    }

    /// The mean of the classes' tents, weighted by a power of how long they live: `sum of l^power tent(t) / sum of l^power`.
    ///
    /// - Parameters:
    ///   - grid: [g].
    ///   - power: Of the weights; 0 for equal ones.
    /// - Returns: [g], 0 of no classes. GUDHI's `Silhouette` is sqrt(2) times that.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` unless the grid is a list.
    /// - Note: F. Chazal et al., Stochastic convergence of persistence landscapes and silhouettes, 2014.
    public func silhouette(at grid: Tensor, power: Double = 1) throws -> Tensor {
        let tents = try tents(at: values(grid, "silhouette"))
        guard births.count > 0 else { return try tents.sum(axes: [1]) }
        let weights = try lifetimePower(power)
        return try (tents * weights).sum(axes: [1]) / weights.sum()
    }

    /// The entropy of how long classes live: `-sum p log p` with p a class's part of the sum of all lifetimes; classes that live for no
    /// time count nothing.
    ///
    /// Gradient: `-(log p + entropy) / sum of lifetimes` for a lifetime.
    /// - Returns: [], in nats; 0 of no classes.
    /// - Note: N. Atienza, R. Gonzalez-Diaz, M. Rucco, Persistent entropy for separating topological features from noise, 2017.
    public func entropy() throws -> Tensor { try entropies().sum() }

    /// The part of the entropy that belongs to the classes alive at each value: `-sum over births <= t < deaths of p log p`.
    ///
    /// - Parameter grid: [g].
    /// - Returns: [g]. GUDHI's `Entropy(mode: "vector", normalized: False)`.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` unless the grid is a list.
    public func entropyCurve(at grid: Tensor) throws -> Tensor {
        let alive = try isAlive(at: values(grid, "entropyCurve")).asType(births.dtype)
        return try (alive * entropies()).sum(axes: [1])
    }

    /// Gaussian bumps at (birth, lifetime), weighted by a power of the lifetime, on a grid of pixels.
    ///
    /// `sum of l^power exp(-((x - b)^2 + (y - l)^2) / (2 s^2)) / (2 pi s^2)` at the pixels' centres x, y.
    /// - Parameters:
    ///   - births: [w], the pixels' births x.
    ///   - lifetimes: [h], the pixels' lifetimes y.
    ///   - bandwidth: s, above 0.
    ///   - power: Of the weights; 0 is GUDHI's default, 1 the paper's.
    /// - Returns: [h, w]; GUDHI's `PersistenceImage`.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` unless the grids are lists,
    ///   ``TensorError/invalidArgument(operation:expected:actual:)`` for the bandwidth.
    /// - Note: H. Adams et al., Persistence images: a stable vector representation of persistent homology, 2017.
    public func image(births columns: Tensor, lifetimes rows: Tensor, bandwidth: Double, power: Double = 1) throws -> Tensor {
        guard bandwidth > 0 else {
            throw TensorError.invalidArgument(operation: "image", expected: "a bandwidth above 0", actual: "\(bandwidth)")
        }
        func bumps(_ grid: Tensor, _ centers: Tensor) throws -> Tensor {
            try ((values(grid, "image") - centers) * (1 / bandwidth)).square().negated() * 0.5
        }
        let weights = try lifetimePower(power) / (2 * Double.pi * bandwidth * bandwidth)
        return try (bumps(rows, persistence).exp() * weights).matmul(bumps(columns, births).exp().transposed())
    }

    /// A list as a column [g, 1].
    private func values(_ grid: Tensor, _ operation: String) throws -> Tensor {
        guard try grid.checked().rank == 1 else {
            throw TensorError.shapeMismatch(operation: operation, expected: "a grid [g]", actual: [grid.shape])
        }
        return try grid.to(births.device).expandedDimensions(at: 1)
    }

    private func isAlive(at t: Tensor) -> Tensor {
        (stopGradient(births) .<= t) .&& (stopGradient(deaths) .> t)
    }

    private func tents(at t: Tensor) -> Tensor { Tensor.minimum(t - births, deaths - t).relu() }

    private func lifetimePower(_ power: Double) throws -> Tensor {
        power == 0 ? try .ones(births.shape, dtype: births.dtype, on: births.device) : power == 1 ? persistence : persistence.power(power)
    }

    private func entropies() throws -> Tensor {
        let lifetimes = persistence.absolute()
        let isAlive = stopGradient(lifetimes) .> 0
        let one = try Tensor.ones([], dtype: births.dtype, on: births.device)
        // Where there is none, 1 stands for the part: neither it nor its derivative count.
        let parts = try Tensor.select(isAlive, lifetimes / Tensor.select(lifetimes.sum() .> 0, lifetimes.sum(), one), one)
        return -(parts * parts.log())
    }
}
