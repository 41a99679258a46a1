/// An array of doubles for oracles that are written straight from formulas: a matrix, or any shape read as rows of its last axis.
public struct Matrix: Sendable {
    public let shape: [Int]
    public var values: [Double]

    /// The product of all extents but the last.
    public var rows: Int { shape.dropLast().reduce(1, *) }
    /// The last extent.
    public var columns: Int { shape.last ?? 1 }

    public init(shape: [Int], values: [Double]) {
        self.shape = shape
        self.values = values
    }

    public init(rows: Int, columns: Int, values: [Double]) {
        self.init(shape: [rows, columns], values: values)
    }

    public subscript(i: Int) -> Double {
        get { values[i] }
        set { values[i] = newValue }
    }

    public subscript(i: Int, j: Int) -> Double {
        get { values[i * columns + j] }
        set { values[i * columns + j] = newValue }
    }

    public func row(_ i: Int) -> [Double] { Array(values[i * columns..<(i + 1) * columns]) }
}
