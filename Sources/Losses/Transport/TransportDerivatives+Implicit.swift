import LossKitOps

extension TransportDerivatives {
    /// Cotangents of potentials carried to cost and weights by the implicit function theorem.
    ///
    /// At the optimum the derivative of the dual is 0, so `M (df, dg) = epsilon d(derivative)`, with the plan P in
    /// `M = [[diag(P 1 + ..), P], [P^T, diag(P^T 1 + ..)]]`, the dots for the penalties' curvature. Of M (u, v) = (r, s) the Schur
    /// complement for v is solved by conjugate gradients, with products by blocks of rows. Then the derivative for C is `P (u + v)`.
    func implicit(_ r: Tensor, _ s: Tensor) throws -> [Tensor] {
        let system = try ImplicitSystem(self)
        let (u, v, ofRows) = try system.solve(r, s)
        let home = state.f.device
        let inputs = cost.inputs.map(stopGradient)
        var parts: [[Tensor]] = []
        let (ofV, ofU) = (try v.expandedDimensions(at: 1), try u.expandedDimensions(at: 2))
        var ofColumns = v * 0
        for rows in cost.blocks {
            let plan = try system.plan(rows)
            let own = try ofU.slice(axis: 1, from: rows.lowerBound, to: rows.upperBound)
            let weight = try (plan * (own + ofV)).asType(.float32).to(home).evaluated()
            if case .matrix = cost {
                parts.append([weight])
            } else {
                let part = try inputs[0].slice(axis: 1, from: rows.lowerBound, to: rows.upperBound)
                parts.append(
                    try gradient(at: [part] + inputs[1...]) { try (cost.of($0).matrix(rows: 0..<rows.count) * weight).sum() })
            }
            ofColumns = try (ofColumns + (plan * own).sum(axes: [1])).evaluated()
        }
        func share(_ sums: Tensor, _ weights: Tensor) throws -> Tensor {
            let sums = try sums.asType(.float32).to(home)
            let (zero, one) = (try Tensor.zeros([], on: home), try Tensor.ones([], on: home))
            let isEmpty = weights .== 0
            return Tensor.select(isEmpty, zero, sums * -problem.epsilon / Tensor.select(isEmpty, one, weights))
        }
        var gradients = [try Tensor.concatenate(parts.map { $0[0] }, axis: 1)]
        for index in 1..<inputs.count {
            gradients.append(try parts.dropFirst().reduce(parts[0][index]) { try ($0 + $1[index]).evaluated() })
        }
        return gradients + [try share(ofRows, problem.weights.x), try share(ofColumns, problem.weights.y)]
    }

    /// Rows of the plan, without history.
    fileprivate func heldPlan(_ rows: Range<Int>) throws -> Tensor {
        let held = TransportDerivatives(cost.of(cost.inputs.map(stopGradient)), problem.weights, problem, state)
        return try held.plan(state.f, state.g, rows).evaluated()
    }
}

/// The Hessian of a dual at its optimum, times -epsilon, in doubles: where clusters hardly exchange mass it is nearly singular.
private struct ImplicitSystem {
    /// Rows of the plan.
    let plan: (_ rows: Range<Int>) throws -> Tensor
    private let blocks: [Range<Int>]
    /// Reciprocals of the diagonals, 0 for potentials that a penalty holds.
    private let inverse: (x: Tensor, y: Tensor)
    private let diagonal: Tensor
    private let isGauged: Bool

    init(_ derivatives: TransportDerivatives) throws {
        let (problem, state) = (derivatives.problem, derivatives.state)
        let device = WideSoftMin.device(for: state.f.device)
        func wide(_ tensor: Tensor) throws -> Tensor { try tensor.to(device).asType(.float64) }
        blocks = derivatives.cost.blocks
        func formed(_ rows: Range<Int>) throws -> Tensor { try wide(derivatives.heldPlan(rows)).evaluated() }
        let held = blocks.count == 1 ? try formed(blocks[0]) : nil
        plan = { try held ?? formed($0) }
        // Of this very plan: what they are off by would count as exchanged.
        var (rowSums, columnSums): ([Tensor], Tensor) = ([], try .zeros(state.g.shape, dtype: .float64, on: device))
        for rows in blocks {
            let plan = try plan(rows)
            rowSums.append(try plan.sum(axes: [2]).evaluated())
            columnSums = try (columnSums + plan.sum(axes: [1])).evaluated()
        }
        func curved(_ sums: Tensor, _ potential: Tensor, _ weights: Tensor, _ penalty: MarginalPenalty) throws -> (Tensor, Tensor) {
            let (added, isFree) = try penalty.curvature(potential, problem.epsilon)
            let sums = try sums + wide(weights * added)
            let isUsed = try isFree.to(device) .&& (sums .> 0)
            let inverse = Tensor.select(isUsed, Tensor.select(isUsed, sums, sums * 0 + 1).reciprocal(), sums * 0)
            return (try sums.evaluated(), try inverse.evaluated())
        }
        inverse.x = try curved(Tensor.concatenate(rowSums, axis: 1), state.f, problem.weights.x, problem.penalties.x).1
        (diagonal, inverse.y) = try curved(columnSums, state.g, problem.weights.y, problem.penalties.y)
        isGauged = problem.penalties == (.exact, .exact)
    }

    /// P v.
    private func rows(_ v: Tensor) throws -> Tensor {
        let column = try v.expandedDimensions(at: 2)
        return try Tensor.concatenate(blocks.map { try plan($0).matmul(column).evaluated() }, axis: 1).squeezed(axes: [2])
    }

    /// P^T u, of u [batch, 1, rows] for rows of the plan.
    private func columns(_ u: (_ rows: Range<Int>, _ plan: Tensor) throws -> Tensor) throws -> Tensor {
        try blocks.reduce(diagonal * 0) { sum, rows in
            let plan = try plan(rows)
            return try (sum + u(rows, plan).matmul(plan).squeezed(axes: [1])).evaluated()
        }
    }

    private func row(_ tensor: Tensor, _ rows: Range<Int>) throws -> Tensor {
        try tensor.slice(axis: 1, from: rows.lowerBound, to: rows.upperBound).expandedDimensions(at: 1)
    }

    /// u and v of M (u, v) = (r, s), and P v.
    func solve(_ r: Tensor, _ s: Tensor) throws -> (u: Tensor, v: Tensor, ofRows: Tensor) {
        func wide(_ tensor: Tensor) throws -> Tensor { try stopGradient(tensor).to(diagonal.device).asType(.float64).evaluated() }
        var (r, s) = (try wide(r), try wide(s))
        if isGauged {
            // What a constant moved from one side to the other would change is not asked for.
            let off =
                try (r.sum(axes: [1], keepDimensions: true) - s.sum(axes: [1], keepDimensions: true))
                / Double(r.shape[1] + s.shape[1])
            (r, s) = (try (r - off).evaluated(), try (s + off).evaluated())
        }
        let isFree = inverse.y .> 0
        let zero = try Tensor.zeros([], dtype: .float64, on: diagonal.device)
        func kept(_ tensor: Tensor) -> Tensor { Tensor.select(isFree, tensor, zero) }
        func inner(_ a: Tensor, _ b: Tensor) throws -> Tensor { try (a * b).sum(axes: [1], keepDimensions: true) }
        func ratio(_ a: Tensor, _ b: Tensor) -> Tensor { Tensor.select(b .> 0, a / Tensor.select(b .> 0, b, zero + 1), zero) }
        var residual = try kept(s - columns { rows, _ in try row(r * inverse.x, rows) }).evaluated()
        var v = s * 0
        var direction = try (residual * inverse.y).evaluated()
        var size = try inner(residual, direction).evaluated()
        let target = try (size * 1e-20).evaluated()
        // In exact arithmetic as many steps as there are potentials are enough.
        for step in 0..<min(500, 2 * s.shape[1] + 10) {
            if step % 5 == 0, try !(size .> target).any().booleans()[0] { break }
            let column = try direction.expandedDimensions(at: 2)
            let passed = try columns { rows, plan in try plan.matmul(column).swappingAxes(1, 2) * row(inverse.x, rows) }
            let image = try kept(direction * diagonal - passed).evaluated()
            // Beyond that a step is rounding, and would go far along the constant that the system leaves open.
            let length = try Tensor.select(size .> target, ratio(size, inner(direction, image)), zero)
            v = try (v + direction * length).evaluated()
            residual = try (residual - image * length).evaluated()
            let scaled = residual * inverse.y
            let next = try inner(residual, scaled).evaluated()
            direction = try (scaled + direction * ratio(next, size)).evaluated()
            size = next
        }
        let ofRows = try rows(v)
        return (try ((r - ofRows) * inverse.x).evaluated(), v, ofRows)
    }
}
