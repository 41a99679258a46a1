import LossKitDevice
import LossKitKernels

extension Formula {
    /// The derivatives of pairs' values with respect to a formula's variables, and their sums: what a reduction gives back.
    struct Slopes {
        private let variables: [Variable]
        /// For each variable, nil where nobody asks or it is 0.
        private let slopes: [Formula?]
        private let points: Points
        private let ranges: PairRanges?
        private let counts: (kept: Int, reduced: Int)

        /// - Parameters:
        ///   - points: The points that are reduced.
        ///   - ranges: For blocks of kept points ranges of reduced ones.
        ///   - counts: How many points are kept and reduced.
        init(
            of variables: [Variable], _ slopes: [Formula?], over points: Points, within ranges: PairRanges?, counts: (kept: Int, reduced: Int)
        ) {
            (self.variables, self.slopes, self.points, self.ranges, self.counts) = (variables, slopes, points, ranges, counts)
        }

        /// The sum of each derivative over the pairs that the variable's elements take part in, in the variable's shape.
        func summed() throws -> [Tensor?] {
            var result = [Tensor?](repeating: nil, count: variables.count)
            if ranges == nil, let kept = vector(of: points.other), let reduced = vector(of: points),
                let both = try sums(kept: kept, reduced: reduced)
            {
                (result[kept], result[reduced]) = both
            }
            for index in variables.indices where result[index] == nil {
                result[index] = try slopes[index].map { try sum($0, for: variables[index]) }
            }
            return zip(result, variables).map { $0?.asType($1.tensor.dtype) }
        }

        private func sum(_ slope: Formula, for variable: Variable) throws -> Tensor {
            let width = variable.node.coordinates
            switch variable.points {
            case nil: return try slope.sum(over: points, within: ranges, width: width, counts: counts).sum(axes: [0])
            case points?:
                return try slope.sum(
                    over: points.other, within: ranges?.transposed, width: width, counts: (counts.reduced, counts.kept))
            default: return try slope.sum(over: points, within: ranges, width: width, counts: counts)
            }
        }

        /// The first variable of a set whose derivative is a vector.
        private func vector(of side: Points) -> Int? {
            variables.indices.first { variables[$0].points == side && slopes[$0] != nil && variables[$0].node.coordinates != nil }
        }

        /// The sums for a variable of the kept points and for one of the reduced, from one look at each pair where that gains.
        private func sums(kept: Int, reduced: Int) throws -> (Tensor, Tensor)? {
            guard let keptSlope = slopes[kept], let reducedSlope = slopes[reduced] else { return nil }
            let problem = try Problem(keptSlope, reducedSlope, over: points, counts: counts)
            var lowering = Lowering(keeping: points.other)
            let (keptTerms, reducedTerms) = (try lowering.terms(of: keptSlope), try lowering.terms(of: reducedSlope))
            let both = try problem.runBoth(
                lowering, rows: keptTerms, width: variables[kept].node.extent, columns: reducedTerms,
                columnWidth: variables[reduced].node.extent)
            guard let both else { return nil }
            let parts = [(keptSlope, points), (reducedSlope, points.other)]
            let (points, counts) = (points, counts)
            let inputs = parts.map { $0.0.variables }
            let outputs = Tensor.record(
                "formulaSums", inputs: inputs.joined().map(\.tensor), outputs: [both.rows, both.columns]
            ) { pullback in
                try parts.enumerated().flatMap { index, part -> [Tensor?] in
                    let (formula, reduced) = part
                    let count = inputs[index].count
                    guard let cotangent = pullback.cotangents[index] else { return [Tensor?](repeating: nil, count: count) }
                    return try formula.cotangents(
                        seed: reduced == .y ? .x(cotangent) : .y(cotangent),
                        needed: Array(pullback.isNeeded[(index == 0 ? 0 : inputs[0].count)...].prefix(count)), over: reduced, within: nil,
                        counts: reduced == points ? counts : (counts.reduced, counts.kept))
                }
            }
            return (outputs[0], outputs[1])
        }
    }
}
