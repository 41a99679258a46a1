import LossKitKernels

extension PairRows {
    /// One column of each row.
    package struct Chosen: Sendable {
        /// The value v_ij of the chosen pair, [n]; of no meaning where there is none. From direct differences, and as often differentiable
        /// as wanted.
        package let values: Tensor
        /// The column j, int64 [n]; 0 where there is none.
        package let places: Tensor
        /// Whether there is one, [n].
        package let isFound: Tensor
    }

    /// The column of each row where the value is largest: hardest positives of distances, hardest negatives of similarities.
    ///
    /// Of equal ones the first. Values of points in many dimensions are compared as matrix products round them, so that of values within a
    /// few roundings of each other any may be taken.
    package func largest(over selection: Selection = .all) throws -> Chosen { try chosen(.largest, selection) }

    /// The column of each row where the value is smallest; see ``largest(over:)``.
    package func smallest(over selection: Selection = .all) throws -> Chosen { try chosen(.smallest, selection) }

    private func chosen(_ reduction: RowPairs.Reduction, _ selection: Selection) throws -> Chosen {
        guard n > 0, m > 0 else {
            let nothing = try Tensor.zeros([n], dtype: .int64, on: device)
            return Chosen(values: try .zeros([n], on: device), places: nothing, isFound: try .zeros([n], dtype: .bool, on: device))
        }
        let kernel = try kernel(reduction, over: selection)
        let found = try Tensor.empty([n], dtype: .int32, on: device)
        let blocks = try blocks()
        try blocks.forEachBlock { rows, values in
            try blocks.values(of: rows, into: values)
            try kernel.extremes(values, rows: rows, into: found.output(), on: device)
        }
        let isFound = found .>= 0
        let places = Tensor.maximum(found, try .zeros([], dtype: .int32, on: device)).asType(.int64)
        let others = try y.gatheredRows(places.packed().evaluated())
        let values: Tensor
        switch measure {
        case .dot: values = try (x * others).sum(axes: [1])
        case .squaredEuclidean: values = try (x - others).square().sum(axes: [1])
        case .euclidean:
            // The root has no derivatives at 0: there all of them are taken to be 0.
            let square = try (x - others).square().sum(axes: [1])
            let (zero, one) = (try Tensor.zeros([], on: device), try Tensor.ones([], on: device))
            let isZero = square .== 0
            values = Tensor.select(isZero, zero, Tensor.select(isZero, one, square).squareRoot())
        }
        return Chosen(values: values, places: places, isFound: isFound)
    }
}
