/// `diag(u) K diag(v)` with the row sums of masses, in float64 on the host: what one pass over a kernel gives.
struct RowScaling {
    private let kernel: [Double]
    private let masses: [Double]
    /// [columns].
    var v: [Double]
    /// K v.
    private(set) var rows: [Double]
    /// [rows]: masses / K v.
    private(set) var u: [Double]
    /// K^T u.
    private(set) var sums: [Double]

    /// - Parameter kernel: [rows, columns] in row-major order.
    init(_ kernel: [Double], masses: [Double], v: [Double]) {
        (self.kernel, self.masses, self.v) = (kernel, masses, v)
        rows = [Double](repeating: 1, count: masses.count)
        u = [Double](repeating: 0, count: masses.count)
        sums = [Double](repeating: 0, count: v.count)
    }

    /// Sets u for the v there is; the L1 distance of the row sums from the masses with the u before.
    mutating func advance() -> Double {
        let (count, width) = (masses.count, v.count)
        var error = 0.0
        kernel.withUnsafeBufferPointer { kernel in
            masses.withUnsafeBufferPointer { masses in
                v.withUnsafeBufferPointer { v in
                    rows.withUnsafeMutableBufferPointer { rows in
                        u.withUnsafeMutableBufferPointer { u in
                            sums.withUnsafeMutableBufferPointer { sums in
                                for k in 0..<width { sums[k] = 0 }
                                for i in 0..<count {
                                    let start = i * width
                                    var sum = 0.0
                                    for k in 0..<width { sum += kernel[start + k] * v[k] }
                                    error += abs(u[i] * sum - masses[i])
                                    rows[i] = sum
                                    let scale = masses[i] / sum
                                    u[i] = scale
                                    for k in 0..<width { sums[k] += scale * kernel[start + k] }
                                }
                            }
                        }
                    }
                }
            }
        }
        return error
    }
}
