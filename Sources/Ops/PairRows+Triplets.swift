import LossKitKernels

extension PairRows {
    /// Which triplets of an anchor i, positives p of its label and negatives n of another one count.
    package enum Mining: Sendable {
        /// All of them.
        case all
        /// For each positive the nearest negative that is farther than it, or else the farthest one.
        case semiHard
    }

    /// sum max(0, v_ip - v_in + margin) over the triplets of each anchor i, [n]; 0 where there are none.
    ///
    /// Of all triplets in O(m log c) time an anchor, c its positives, by sorting them: never in O(m c). Gradient: counts of the triplets
    /// that are violated; its own derivative is not provided.
    /// - Returns: The sums; how many triplets are violated; how many there are. The latter two are constants.
    package func triplets(_ mining: Mining, margin: Double) throws -> (value: Tensor, violated: Tensor, count: Tensor) {
        guard let rowLabels, let columnLabels else {
            throw TensorError.invalidArgument(operation: "PairRows", expected: "labels to tell positives", actual: "none")
        }
        guard n > 0, m > 0 else {
            let nothing = try Tensor.zeros([n], on: device)
            return (nothing, nothing, nothing)
        }
        let kernel = RowTriplets(
            columns: m, isSemiHard: mining == .semiHard, excludesSelf: excludesSelf, margin: Float(margin),
            rowLabels: try rowLabels.slice(),
            columnLabels: try columnLabels.slice())
        let results = try (0..<3).map { _ in try Tensor.empty([n], dtype: .float32, on: device) }
        let blocks = try blocks()
        try blocks.forEachBlock { rows, values in
            try blocks.values(of: rows, into: values)
            try kernel.sums(
                values, rows: rows, into: results[0].output(), active: results[1].output(), looked: results[2].output(), on: device)
        }
        let value = Tensor.record("triplets", inputs: [x, y], output: results[0]) { [self] pullback in
            guard !Tensor.records([x, y, pullback.cotangent]) else { throw TensorError.notDifferentiable(operation: "triplets", order: 2) }
            let cotangent = pullback.cotangent.asType(.float32).packed()
            return try self.pullback(isNeeded: pullback.isNeeded) { rows, values, weight in
                try kernel.weights(values, rows: rows, cotangent: cotangent.slice(), into: weight, on: device)
            }
        }
        return (value, results[1], results[2])
    }
}
