import LossKitDevice
import LossKitKernels

extension Formula {
    /// The sizes of a reduction, and where and in which type it is computed.
    struct Problem: Sendable {
        let rows: Int
        let columns: Int
        let device: Device
        /// The variables' common type, which results have.
        let dtype: DType
        private let spans: FormulaSpans?

        private var computed: DType { dtype == .float64 ? .float64 : .float32 }

        /// How many points every kept point has at least.
        var fewestColumns: Int {
            guard let spans else { return columns }
            return spans.blocks.map { block in
                (block.first..<block.first + block.count).reduce(0) { $0 + spans.bounds[2 * $1 + 1] - spans.bounds[2 * $1] }
            }.min() ?? columns
        }

        /// - Parameters:
        ///   - ranges: The pairs of kept and reduced points that count, or nil for all.
        ///   - counts: How many points are kept and reduced, where no variable says so.
        init(
            _ formulas: Formula..., over points: Points, within ranges: PairRanges? = nil, counts: (kept: Int, reduced: Int)? = nil
        ) throws {
            for part in formulas.lazy.flatMap(\.node.parts) {
                if case .failed(let error) = part.kind { throw error }
            }
            let variables = formulas.flatMap(\.variables)
            func count(_ side: Points) throws -> Int? {
                let tensors = variables.filter { $0.points == side }.map(\.tensor)
                guard let first = tensors.first else { return nil }
                guard tensors.allSatisfy({ $0.shape[0] == first.shape[0] }) else {
                    throw TensorError.shapeMismatch(
                        operation: "Formula", expected: "variables of as many points \(side)", actual: tensors.map(\.shape))
                }
                return first.shape[0]
            }
            guard !variables.isEmpty, let rows = try count(points.other) ?? counts?.kept, let columns = try count(points) ?? counts?.reduced
            else {
                throw TensorError.invalidArgument(
                    operation: "Formula", expected: "a variable of the points x and one of the points y",
                    actual: variables.isEmpty ? "none" : "\(variables.map { $0.points.map { "\($0)" } ?? "parameter" })")
            }
            guard variables.allSatisfy({ $0.tensor.device == variables[0].tensor.device }) else {
                throw TensorError.deviceMismatch(operation: "Formula", devices: variables.map { "\($0.tensor.device)" })
            }
            (self.rows, self.columns, device) = (rows, columns, variables[0].tensor.device)
            spans = try ranges?.spans(rows: rows, columns: columns, on: variables[0].tensor.device)
            dtype = variables.dropFirst().reduce(variables[0].tensor.dtype) { DType.promoted($0, $1.tensor.dtype) }
        }

        /// Runs a sum or a log-sum-exp into fresh memory.
        func run(_ lowering: Lowering, _ reduction: FormulaProgram.Reduction, shape: [Int]) throws -> Tensor {
            let output = try Tensor.empty(shape, dtype: computed, on: device)
            let width = shape.count > 1 ? shape[1] : 1
            try FormulaReduction.run(
                program(lowering, reduction), operands(lowering, width: width, kept: 1), into: output.output(), on: device)
            return output
        }

        /// Runs sums for every row and for every column together, where that gains; nil where it does not.
        func runBoth(
            _ lowering: Lowering, rows rowTerms: [FormulaProgram.Term], width: Int, columns columnTerms: [FormulaProgram.Term], columnWidth: Int
        ) throws -> (rows: Tensor, columns: Tensor)? {
            var program = program(lowering, .sum(rowTerms))
            program.columnTerms = columnTerms
            // Asked first: operands are computed where they are not at hand yet.
            guard rows > 0, columns > 0, FormulaReduction.gainsByBoth(program, width: width, columnWidth: columnWidth, on: device)
            else { return nil }
            var operands = try operands(lowering, width: width, kept: 1)
            operands.columnWidth = columnWidth
            let both = (
                rows: try Tensor.empty([rows, width], dtype: computed, on: device),
                columns: try Tensor.empty([columns, columnWidth], dtype: computed, on: device))
            try FormulaReduction.runBoth(program, operands, rows: both.rows.output(), columns: both.columns.output(), on: device)
            return both
        }

        /// The best values of every row [rows, kept] and their columns, -1 where there are fewer.
        func keep(_ lowering: Lowering, _ value: Int, _ best: FormulaProgram.Best, kept: Int) throws -> (values: Tensor, places: Tensor) {
            guard columns <= Int(Int32.max) else {
                throw TensorError.invalidArgument(operation: "Formula", expected: "at most \(Int32.max) points", actual: "\(columns)")
            }
            let values = try Tensor.empty([rows, kept], dtype: computed, on: device)
            let places = try Tensor.empty([rows, kept], dtype: .int32, on: device)
            try FormulaReduction.run(
                program(lowering, .keep(value, best)), operands(lowering, width: 1, kept: kept), into: values.output(),
                places: places.output(),
                on: device)
            return (values, places.asType(.int64))
        }

        private func program(_ lowering: Lowering, _ reduction: FormulaProgram.Reduction) -> FormulaProgram {
            let (slots, nodes) = lowering.program
            return FormulaProgram(isDouble: computed == .float64, slots: slots, nodes: nodes, reduction: reduction)
        }

        private func operands(_ lowering: Lowering, width: Int, kept: Int) throws -> FormulaOperands {
            let variables = lowering.variables
            let slots = try variables.map { node -> BufferSlice in
                guard case .variable(_, let tensor) = node.kind else { throw TensorError.notDifferentiable(operation: "Formula", order: 0) }
                return try stopGradient(tensor).asType(computed).slice()
            }
            return FormulaOperands(
                slots: slots, extents: variables.map(\.extent), constants: lowering.constants, rows: rows, columns: columns, width: width,
                kept: kept, spans: spans)
        }
    }
}
