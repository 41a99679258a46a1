import LossKitDevice
import LossKitKernels

/// A function of a point x_i of one set and a point y_j of another that is never written out for all pairs: what KeOps calls a LazyTensor.
///
/// Made from variables and numbers by elementwise operations and sums over coordinates, a formula computes nothing until it is reduced over
/// one of the sets, which takes O(n + m) memory. Reductions are differentiable with respect to every variable, any number of times.
/// A formula of operands that do not fit carries the error, which its reduction throws.
///
/// ```swift
/// let (x, y) = (Formula.x(points), Formula.y(others))
/// let kernel = (x.squaredDistance(to: y) * -0.5).exp()
/// let blurred = try (kernel * Formula.y(signal)).sum(over: .y)   // sum_j exp(-|x_i - y_j|^2 / 2) b_j
/// ```
public struct Formula: Sendable {
    /// One of the two sets of points.
    public enum Points: Sendable, CaseIterable {
        /// The points x_i.
        case x
        /// The points y_j.
        case y

        var other: Points { self == .x ? .y : .x }
    }

    let node: Node

    init(_ node: Node) { self.node = node }

    /// A variable of the points x: [n, d] a vector of each, [n] a number of each.
    public static func x(_ values: Tensor) -> Formula { variable(values, of: .x) }

    /// A variable of the points y: [m, d] a vector of each, [m] a number of each.
    public static func y(_ values: Tensor) -> Formula { variable(values, of: .y) }

    /// A variable that all pairs share: [d] or a scalar.
    public static func parameter(_ values: Tensor) -> Formula { variable(values, of: nil) }

    /// A number.
    public static func constant(_ value: Double) -> Formula { Formula(Node(.constant(value), coordinates: nil)) }

    /// The coordinates of a vector, nil for a scalar.
    public var coordinates: Int? { node.coordinates }

    static func variable(_ values: Tensor, of points: Points?) -> Formula {
        do {
            let rank = try values.checked().rank
            let leading = points == nil ? 0 : 1
            guard rank == leading || rank == leading + 1, rank == leading || values.shape[rank - 1] > 0 else {
                throw TensorError.shapeMismatch(
                    operation: "Formula",
                    expected: points == nil ? "a parameter [d] or []" : "a variable [points, d] or [points] with d above 0",
                    actual: [values.shape])
            }
            guard values.dtype.isFloatingPoint else {
                throw TensorError.dtypeMismatch(operation: "Formula", expected: "floating-point variables", actual: [values.dtype])
            }
            return Formula(Node(.variable(points, values), coordinates: rank == leading ? nil : values.shape[rank - 1]))
        } catch {
            return Formula(Node(.failed(error), coordinates: nil))
        }
    }
}

extension Formula {
    /// A value of the formula; one that is used several times is one object.
    final class Node: Sendable {
        enum Kind: Sendable {
            /// Of one of the sets, or shared by all pairs.
            case variable(Points?, Tensor)
            case constant(Double)
            case apply(Opcode, [Node])
            /// The sum over coordinates.
            case total(Node)
            case failed(any Error)
        }

        let kind: Kind
        let coordinates: Int?

        init(_ kind: Kind, coordinates: Int?) {
            self.kind = kind
            self.coordinates = coordinates
        }

        var extent: Int { coordinates ?? 1 }

        /// The number this node is, whatever the pair.
        var constant: Double? {
            if case .constant(let value) = kind { value } else { nil }
        }

        var operands: [Node] {
            switch kind {
            case .apply(_, let operands): operands
            case .total(let operand): [operand]
            default: []
            }
        }

        /// The nodes that this one is made of, itself last, each after its operands.
        var parts: [Node] {
            var result: [Node] = []
            var seen = Set<ObjectIdentifier>()
            // A stack of its own: chains may be deep.
            var pending: [(node: Node, isOpened: Bool)] = [(self, false)]
            while let (node, isOpened) = pending.popLast() {
                if isOpened {
                    result.append(node)
                } else if seen.insert(ObjectIdentifier(node)).inserted {
                    pending.append((node, true))
                    pending += node.operands.reversed().map { ($0, false) }
                }
            }
            return result
        }
    }

    /// An elementwise operation; scalars go with every coordinate.
    static func apply(_ opcode: Opcode, _ operands: [Formula]) -> Formula {
        let nodes = operands.map(\.node)
        for node in nodes {
            if case .failed = node.kind { return Formula(node) }
        }
        let extents = Set(nodes.map(\.extent)).subtracting([1])
        guard extents.count <= 1 else {
            return Formula(
                Node(
                    .failed(
                        TensorError.shapeMismatch(
                            operation: "Formula", expected: "vectors of as many coordinates",
                            actual: nodes.map { $0.coordinates.map { [$0] } ?? [] })),
                    coordinates: nil))
        }
        if let simple = simplified(opcode, operands) { return simple }
        let coordinates = extents.first ?? (nodes.contains { $0.coordinates != nil } ? 1 : nil)
        return Formula(Node(.apply(opcode, nodes), coordinates: coordinates))
    }

    /// What neutral elements and numbers leave of an operation.
    private static func simplified(_ opcode: Opcode, _ operands: [Formula]) -> Formula? {
        let numbers = operands.map(\.node.constant)
        if operands.count == 1, let a = numbers[0] {
            return opcode == .negate ? .constant(-a) : nil
        }
        guard operands.count == 2 else { return nil }
        switch (opcode, numbers[0], numbers[1]) {
        case (.add, let a?, let b?): return .constant(a + b)
        case (.subtract, let a?, let b?): return .constant(a - b)
        case (.multiply, let a?, let b?): return .constant(a * b)
        case (.divide, let a?, let b?): return .constant(a / b)
        case (.add, 0, _), (.multiply, 1, _): return operands[1]
        case (.add, _, 0), (.subtract, _, 0), (.multiply, _, 1), (.divide, _, 1): return operands[0]
        case (.multiply, _, _?): return operands[1] * operands[0]
        case (.divide, _, let b?) where b != 0: return operands[0] * (1 / b)
        case (.multiply, let a?, nil):
            // Numbers gather in front.
            if case .apply(.multiply, let inner) = operands[1].node.kind, let b = inner[0].constant {
                return .constant(a * b) * Formula(inner[1])
            }
            return nil
        default: return nil
        }
    }
}
