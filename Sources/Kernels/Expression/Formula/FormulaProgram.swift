import LossKitDevice

/// A formula of pairs and its reduction over one side: what is computed, but not of how many points, of which coordinates or from which
/// data.
///
/// Values are in static single assignment. A value is a scalar of the pair, or a vector with as many coordinates as its slot.
package struct FormulaProgram: Sendable, Hashable {
    /// What a slot's values belong to: the points that are kept, those that are reduced away, or neither.
    package enum Side: Int32, Sendable, Hashable { case row = 0, column, shared }

    /// Something in memory that the formula reads.
    package struct Slot: Sendable, Hashable {
        package var side: Side
        package var isVector: Bool

        package init(side: Side, isVector: Bool) {
            self.side = side
            self.isVector = isVector
        }
    }

    /// How a value comes about.
    package enum Node: Sendable, Hashable {
        case slot(Int)
        case constant(Int)
        case apply(Opcode, [Int])
        /// The sum over the coordinates of a vector, which are as many as those of the slot `extent`.
        case total(Int, extent: Int)
        /// |x - y|^2 and x.y of the vectors of a row and a column.
        case squaredDistance(row: Int, column: Int)
        case dot(row: Int, column: Int)
    }

    /// A part of a sum.
    package enum Term: Sendable, Hashable {
        /// A scalar, in every coordinate.
        case plain(Int)
        /// A scalar times the vector of a slot.
        case scaled(Int, slot: Int)
        /// A scalar times the difference of the vectors of a row and a column.
        case difference(Int, row: Int, column: Int)
        /// Any vector.
        case vector(Int)
    }

    package enum Reduction: Sendable, Hashable {
        case sum([Term])
        case logSumExp(Int)
        /// The `kept` best values of a row, which is stated beside the sizes, with their columns.
        case keep(Int, Best)
    }

    /// Which values are kept: the extremum, where NaN counts most, or several, where it counts least.
    package enum Best: Int32, Sendable, Hashable { case minimum = 2, maximum, smallest, largest }

    package var isDouble: Bool
    package var slots: [Slot]
    package var nodes: [Node]
    package var reduction: Reduction
    /// The parts of sums for every column over all rows, beside a sum for every row.
    package var columnTerms: [Term] = []

    package init(isDouble: Bool, slots: [Slot], nodes: [Node], reduction: Reduction) {
        self.isDouble = isDouble
        self.slots = slots
        self.nodes = nodes
        self.reduction = reduction
    }

    /// The parts of all sums.
    var summed: [Term] {
        if case .sum(let terms) = reduction { terms + columnTerms } else { [] }
    }

    /// Whether each value is a vector.
    var isVector: [Bool] {
        nodes.reduce(into: []) { result, node in
            switch node {
            case .slot(let slot): result.append(slots[slot].isVector)
            case .apply(_, let operands): result.append(operands.contains { result[$0] })
            default: result.append(false)
            }
        }
    }
}

/// The data of a formula's reduction.
package struct FormulaOperands: Sendable {
    /// [rows, d], [columns, d] or [d], row-major.
    package var slots: [BufferSlice]
    /// d of each slot, 1 for scalars.
    package var extents: [Int]
    package var constants: [Double]
    package var rows: Int
    package var columns: Int
    /// Coordinates of a sum; values kept of each row.
    package var width: Int
    package var kept: Int
    /// Coordinates of the columns' own sums.
    package var columnWidth = 0
    /// The columns of each row; all where it is nil.
    package var spans: FormulaSpans?

    package init(
        slots: [BufferSlice], extents: [Int], constants: [Double], rows: Int, columns: Int, width: Int = 1, kept: Int = 1,
        spans: FormulaSpans? = nil
    ) {
        (self.slots, self.extents, self.constants, self.spans) = (slots, extents, constants, spans)
        (self.rows, self.columns, self.width, self.kept) = (rows, columns, width, kept)
    }
}

/// Ranges of columns for blocks of rows that follow each other.
package struct FormulaSpans: Sendable {
    package struct Block: Sendable {
        package let rows: Range<Int>
        /// Its ranges among all.
        package let first: Int
        package let count: Int

        package init(rows: Range<Int>, first: Int, count: Int) { (self.rows, self.first, self.count) = (rows, first, count) }
    }

    package let blocks: [Block]
    /// Where ranges begin and end, one after the other.
    package let bounds: [Int]
    /// The same where the kernels are, and one number more.
    package let memory: BufferSlice

    package init(blocks: [Block], bounds: [Int], memory: BufferSlice) {
        (self.blocks, self.bounds, self.memory) = (blocks, bounds, memory)
    }

    /// How many pairs there are.
    var pairs: Int {
        blocks.reduce(0) { sum, block in
            sum + block.rows.count * (block.first..<block.first + block.count).reduce(0) { $0 + bounds[2 * $1 + 1] - bounds[2 * $1] }
        }
    }
}
