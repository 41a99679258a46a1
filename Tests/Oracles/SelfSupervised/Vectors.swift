import Foundation

typealias Rows = [[Double]]

extension Matrix {
    /// Its rows, or those of one matrix of a stack of equal heights.
    func lines(_ entry: Int = 0, of height: Int? = nil) -> Rows {
        (0..<(height ?? rows)).map { row(entry * (height ?? 0) + $0) }
    }
}

func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

func cosine(_ a: [Double], _ b: [Double]) -> Double { product(unit(a), unit(b)) }

func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

/// Rows as columns.
func turned(_ rows: Rows) -> Rows { (rows.first ?? []).indices.map { k in rows.map { $0[k] } } }

/// Each column's deviations from its mean, as rows.
func centred(_ rows: Rows) -> Rows {
    turned(turned(rows).map { column in column.map { $0 - mean(column) } })
}

/// The products of all pairs of columns of two sets of rows.
func gram(_ a: Rows, _ b: Rows) -> Rows { turned(a).map { x in turned(b).map { product(x, $0) } } }

/// A matrix's product with another's columns.
func times(_ a: Rows, _ b: Rows) -> Rows { a.map { row in turned(b).map { product(row, $0) } } }

func sumOfSquares(_ matrix: Rows, where isCounted: (Int, Int) -> Bool = { _, _ in true }) -> Double {
    matrix.indices.reduce(0) { sum, i in sum + matrix[i].indices.reduce(0) { isCounted(i, $1) ? $0 + matrix[i][$1] * matrix[i][$1] : $0 } }
}

/// The lower factor of a positive definite matrix.
func choleskyFactor(_ a: Rows) -> Rows {
    var l = a.map { $0.map { _ in 0.0 } }
    for i in a.indices {
        for j in 0...i {
            let rest = a[i][j] - (0..<j).reduce(0) { $0 + l[i][$1] * l[j][$1] }
            l[i][j] = i == j ? sqrt(rest) : rest / l[j][j]
        }
    }
    return l
}
