import LossKitOps

extension TransportDerivatives {
    /// Cotangents of potentials carried to cost and weights by the implicit function theorem.
    ///
    /// At the optimum the derivative of the dual is 0, so `M (df, dg) = epsilon d(derivative)`, with the plan P in
    /// `M = [[diag(P 1 + ..), P], [P^T, diag(P^T 1 + ..)]]`, the dots for the penalties' curvature. Of M (u, v) = (r, s) the Schur
    /// complement for v
    /// is solved by conjugate gradients, with products by blocks of rows. Then the derivative for C is `P (u + v)`.
    func implicit(_ r: Tensor, _ s: Tensor) throws -> [Tensor] {
        let (u, v) = try ImplicitSystem(self).solve(r, s)
        let (batch, m) = (problem.softMin.batch, problem.softMin.m)
        var parts: [[Tensor]] = []
        let (ofV, ofU) = (try v.expandedDimensions(at: 1), try u.expandedDimensions(at: 2))
        var (rowSums, columnSums): ([Tensor], Tensor) = ([], try .zeros([batch, m], on: u.device))
        for rows in cost.blocks {
            let plan = try heldPlan(rows)
            let own = try ofU.slice(axis: 1, from: rows.lowerBound, to: rows.upperBound)
            let weight = try (plan * (own + ofV)).evaluated()
            switch cost {
            case .matrix: parts.append([weight])
            case .points(let x, let y, _), .formula(let x, let y, _):
                let part = try stopGradient(x).slice(axis: 1, from: rows.lowerBound, to: rows.upperBound)
                parts.append(
                    try gradient(at: [part, stopGradient(y)]) { try (cost.of($0).matrix(rows: 0..<rows.count) * weight).sum() })
            }
            rowSums.append(try (plan * ofV).sum(axes: [2]).evaluated())
            columnSums = try (columnSums + (plan * own).sum(axes: [1])).evaluated()
        }
        func share(_ sums: Tensor, _ weights: Tensor) throws -> Tensor {
            let (zero, one) = (try Tensor.zeros([], on: sums.device), try Tensor.ones([], on: sums.device))
            let isEmpty = weights .== 0
            return Tensor.select(isEmpty, zero, sums * -problem.epsilon / Tensor.select(isEmpty, one, weights))
        }
        var gradients = [try Tensor.concatenate(parts.map { $0[0] }, axis: 1)]
        if cost.inputs.count > 1 { gradients.append(try parts.dropFirst().reduce(parts[0][1]) { try ($0 + $1[1]).evaluated() }) }
        return gradients + [
            try share(Tensor.concatenate(rowSums, axis: 1), problem.weights.x), try share(columnSums, problem.weights.y),
        ]
    }

    /// Rows of the plan, without history.
    fileprivate func heldPlan(_ rows: Range<Int>) throws -> Tensor {
        let held = TransportDerivatives(cost.of(cost.inputs.map(stopGradient)), problem.weights, problem, state)
        return try held.plan(state.f, state.g, rows).evaluated()
    }
}

/// The Hessian of a dual at its optimum, times -epsilon.
private struct ImplicitSystem {
    private let derivatives: TransportDerivatives
    private let blocks: [Range<Int>]
    /// Of a plan of one block, which is then held.
    private let whole: Tensor?
    /// Reciprocals of the diagonals, 0 for potentials that a penalty holds.
    private let inverse: (x: Tensor, y: Tensor)
    private let diagonal: Tensor
    private let isGauged: Bool

    init(_ derivatives: TransportDerivatives) throws {
        self.derivatives = derivatives
        let (problem, state) = (derivatives.problem, derivatives.state)
        blocks = derivatives.cost.blocks
        whole = blocks.count == 1 ? try derivatives.heldPlan(blocks[0]) : nil
        func curved(_ potential: Tensor, _ soft: Tensor, _ weights: Tensor, _ penalty: MarginalPenalty) throws -> (Tensor, Tensor) {
            let (added, isFree) = try penalty.curvature(potential, problem.epsilon)
            let sums = weights * (((potential - soft) / problem.epsilon).exp() + added)
            let isUsed = isFree .&& (sums .> 0)
            let (zero, one) = (try Tensor.zeros([], on: sums.device), try Tensor.ones([], on: sums.device))
            return (try sums.evaluated(), try Tensor.select(isUsed, Tensor.select(isUsed, sums, one).reciprocal(), zero).evaluated())
        }
        inverse.x = try curved(state.f, state.soft.x, problem.weights.x, problem.penalties.x).1
        (diagonal, inverse.y) = try curved(state.g, state.soft.y, problem.weights.y, problem.penalties.y)
        isGauged = problem.penalties == (.exact, .exact)
    }

    /// P v.
    private func rows(_ v: Tensor) throws -> Tensor {
        let column = try v.expandedDimensions(at: 2)
        let parts = try blocks.map { try (whole ?? derivatives.heldPlan($0)).matmul(column).evaluated() }
        return try Tensor.concatenate(parts, axis: 1).squeezed(axes: [2])
    }

    /// P^T u.
    private func columns(_ u: Tensor) throws -> Tensor {
        var sum = try Tensor.zeros(diagonal.shape, on: u.device)
        for rows in blocks {
            let row = try u.slice(axis: 1, from: rows.lowerBound, to: rows.upperBound).expandedDimensions(at: 1)
            sum = try (sum + row.matmul(whole ?? derivatives.heldPlan(rows)).squeezed(axes: [1])).evaluated()
        }
        return sum
    }

    /// u and v of M (u, v) = (r, s).
    func solve(_ r: Tensor, _ s: Tensor) throws -> (u: Tensor, v: Tensor) {
        var (r, s) = (stopGradient(r), stopGradient(s))
        if isGauged {
            // What a constant moved from one side to the other would change is not asked for.
            let off =
                try (r.sum(axes: [1], keepDimensions: true) - s.sum(axes: [1], keepDimensions: true))
                / Double(r.shape[1] + s.shape[1])
            (r, s) = (try (r - off).evaluated(), try (s + off).evaluated())
        }
        let isFree = inverse.y .> 0
        let zero = try Tensor.zeros([], on: s.device)
        func kept(_ tensor: Tensor) -> Tensor { Tensor.select(isFree, tensor, zero) }
        func inner(_ a: Tensor, _ b: Tensor) throws -> Tensor { try (a * b).sum(axes: [1], keepDimensions: true) }
        func ratio(_ a: Tensor, _ b: Tensor) -> Tensor { Tensor.select(b .> 0, a / Tensor.select(b .> 0, b, zero + 1), zero) }
        var residual = try kept(s - columns(r * inverse.x)).evaluated()
        var v = try Tensor.zeros(s.shape, on: s.device)
        var direction = try (residual * inverse.y).evaluated()
        var size = try inner(residual, direction).evaluated()
        let target = try (size * 1e-13).evaluated()
        // In exact arithmetic as many steps as there are potentials are enough.
        for step in 0..<min(500, 2 * s.shape[1] + 10) {
            if step % 5 == 0, try !(size .> target).any().booleans()[0] { break }
            let image = try kept(direction * diagonal - columns(rows(direction) * inverse.x)).evaluated()
            // Beyond that a step is rounding, and would go far along the constant that the system leaves open.
            let length = try Tensor.select(size .> target, ratio(size, inner(direction, image)), zero)
            v = try (v + direction * length).evaluated()
            residual = try (residual - image * length).evaluated()
            let scaled = residual * inverse.y
            let next = try inner(residual, scaled).evaluated()
            direction = try (scaled + direction * ratio(next, size)).evaluated()
            size = next
        }
        return (try ((r - rows(v)) * inverse.x).evaluated(), v)
    }
}
