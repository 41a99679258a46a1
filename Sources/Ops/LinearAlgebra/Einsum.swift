import LossKitKernels

/// Einstein summation, as NumPy's `einsum`: `einsum("ij,jk->ik", a, b)`.
///
/// A letter names an axis; repeated within an operand it takes the diagonal; letters missing from the output are summed; without `->` the
/// output is the letters that occur once, in alphabetical order. `...` stands for leading axes, which broadcast.
///
/// Operands are joined from left to right: two by one batched matrix product, or element by element, fused with the sum, where there is no
/// matrix in it. Gradient: that of these products; differentiable any number of times.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a subscript that does not parse or fit its operands.
public func einsum(_ equation: String, _ operands: Tensor...) throws -> Tensor {
    let parsed = try EinsumEquation(equation, shapes: operands.map { try $0.checked().shape })
    var terms = try zip(operands, parsed.inputs).map { try EinsumTerm($0, labels: $1).withoutRepeats() }
    while terms.count > 1 {
        let (left, right) = (terms.removeFirst(), terms.removeFirst())
        let kept = Set(parsed.output + terms.flatMap(\.labels))
        terms.insert(try left.contracted(with: right, keeping: kept), at: 0)
    }
    guard let last = terms.first else {
        throw TensorError.invalidArgument(operation: "einsum", expected: "at least one operand", actual: "none")
    }
    return try last.summed(keeping: Set(parsed.output)).ordered(parsed.output)
}

/// A checked subscript; axes behind `...` are labelled with digits.
private struct EinsumEquation {
    let inputs: [[Character]]
    let output: [Character]

    init(_ equation: String, shapes: [[Int]]) throws {
        func rejected(_ expected: String) -> TensorError {
            .invalidArgument(operation: "einsum", expected: expected, actual: "\"\(equation)\" for shapes \(shapes)")
        }
        let text = equation.filter { $0 != " " }
        // Digits name the axes behind the dots.
        guard !text.contains(where: \.isNumber) else { throw rejected("letters as names of axes") }
        let sides = text.split(separator: "->", omittingEmptySubsequences: false).map(String.init)
        guard sides.count <= 2 else { throw rejected("at most one ->") }
        let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard terms.count == shapes.count else { throw rejected("a subscript for each of \(shapes.count) operands") }
        var ellipsis = 0
        for (term, shape) in zip(terms, shapes) where term.contains("...") {
            ellipsis = Swift.max(ellipsis, shape.count - (term.count - 3))
        }
        guard ellipsis <= 10 else { throw rejected("at most 10 axes behind ...") }
        let digits = (0..<ellipsis).map { Character("\($0)") }
        var extents: [Character: Int] = [:]
        var inputs: [[Character]] = []
        for (term, shape) in zip(terms, shapes) {
            let hidden = term.contains("...") ? shape.count - (term.count - 3) : 0
            guard hidden >= 0 else { throw rejected("as many letters as axes") }
            let labels = Array(term.replacing("...", with: String(digits.suffix(hidden))))
            guard labels.count == shape.count, labels.allSatisfy({ $0.isLetter || $0.isNumber }) else {
                throw rejected("one letter for each axis")
            }
            for (label, extent) in zip(labels, shape) {
                guard extents[label] == nil || extents[label] == extent || extent == 1 || extents[label] == 1 else {
                    throw rejected("one extent for \(label)")
                }
                extents[label] = Swift.max(extents[label] ?? 1, extent)
            }
            inputs.append(labels)
        }
        self.inputs = inputs
        let all = inputs.flatMap { $0 }
        if sides.count == 2 {
            output = Array(sides[1].replacing("...", with: String(digits)))
        } else {
            let single = Set(all).filter { label in label.isLetter && all.count(where: { $0 == label }) == 1 }
            output = digits + single.sorted()
        }
        guard Set(output).count == output.count, output.allSatisfy(all.contains) else {
            throw rejected("output letters that occur once each and in an operand")
        }
    }
}

/// A tensor with a label for each axis.
private struct EinsumTerm {
    let tensor: Tensor
    let labels: [Character]

    init(_ tensor: Tensor, labels: [Character]) {
        self.tensor = tensor
        self.labels = labels
    }

    /// Diagonals in place of repeated labels.
    func withoutRepeats() throws -> EinsumTerm {
        for (axis, label) in labels.enumerated() {
            guard let second = labels[(axis + 1)...].firstIndex(of: label) else { continue }
            var remaining = labels
            remaining.remove(at: second)
            return try EinsumTerm(tensor.diagonal(axis, second), labels: remaining).withoutRepeats()
        }
        return self
    }

    func summed(keeping kept: Set<Character>) throws -> EinsumTerm {
        let axes = labels.indices.filter { !kept.contains(labels[$0]) }
        guard !axes.isEmpty else { return self }
        return EinsumTerm(try tensor.sum(axes: axes), labels: labels.filter(kept.contains))
    }

    /// The axes in a given order.
    func ordered(_ order: [Character]) throws -> Tensor {
        let axes = order.compactMap { labels.firstIndex(of: $0) }
        return axes == Array(0..<labels.count) ? tensor : try tensor.transposed(axes)
    }

    /// The product with another term, summed over every label that nobody needs any more.
    func contracted(with other: EinsumTerm, keeping kept: Set<Character>) throws -> EinsumTerm {
        let left = try summed(keeping: kept.union(other.labels))
        let right = try other.summed(keeping: kept.union(labels))
        let shared = left.labels.filter(right.labels.contains)
        let (batch, folded) = (shared.filter(kept.contains), shared.filter { !kept.contains($0) })
        let (rows, columns) = (left.labels.filter { !shared.contains($0) }, right.labels.filter { !shared.contains($0) })
        func extents(_ labels: [Character]) -> [Int] {
            labels.map { label in
                Swift.max(
                    left.labels.firstIndex(of: label).map { left.tensor.shape[$0] } ?? 1,
                    right.labels.firstIndex(of: label).map { right.tensor.shape[$0] } ?? 1)
            }
        }
        if folded.isEmpty || (rows.isEmpty && columns.isEmpty) {
            var (x, y) = (try left.ordered(batch + rows + folded), try right.ordered(batch + columns + folded))
            for _ in columns { x = try x.expandedDimensions(at: batch.count + rows.count) }
            for _ in rows { y = try y.expandedDimensions(at: batch.count) }
            let labels = batch + rows + columns
            return try EinsumTerm((x * y).checked(), labels: labels + folded).summed(keeping: Set(labels))
        }
        let (b, m, k, n) = (extents(batch), extents(rows), extents(folded), extents(columns))
        func size(_ extents: [Int]) -> Int { extents.reduce(1, *) }
        let x = try left.ordered(batch + rows + folded).broadcast(to: b + m + k).reshaped(b + [size(m), size(k)])
        let y = try right.ordered(batch + folded + columns).broadcast(to: b + k + n).reshaped(b + [size(k), size(n)])
        return EinsumTerm(try x.matmul(y).reshaped(b + m + n), labels: batch + rows + columns)
    }
}
