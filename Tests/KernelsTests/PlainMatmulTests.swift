import CLossKitHost
import LossKitTestSupport
import Testing

@Suite struct PlainMatmulTests {
    /// The product for machines without a BLAS, over its panels' borders and through strides, row by row and whole.
    @Test(arguments: [(1, 1, 1), (3, 0, 2), (5, 129, 7), (4, 300, 513)])
    func multipliesByTheDefinition(m: Int, k: Int, n: Int) {
        var random = SplitMix64(seed: 1)
        let (a, b) = (random.values(m * k), random.values(k * n))
        var (expected, scale) = ([Double](repeating: 0, count: m * n), [Double](repeating: 1, count: m * n))
        for i in 0..<m {
            for p in 0..<k {
                for j in 0..<n {
                    expected[i * n + j] += a[i * k + p] * b[p * n + j]
                    scale[i * n + j] += abs(a[i * k + p] * b[p * n + j])
                }
            }
        }
        var transposed = [Double](repeating: 0, count: k * n)
        for p in 0..<k { for j in 0..<n { transposed[j * k + p] = b[p * n + j] } }
        let (rows, depth, columns) = (Int64(m), Int64(k), Int64(n))
        var wide = [Double](repeating: 0, count: m * n)
        losskit_matmul_f64(a, transposed, &wide, 0, rows, columns, depth, depth, 1, 1, depth)
        expectClose(wide, expected, tolerance: 1e-15, scale: scale.map { $0 * 16 }, "float64, b by columns")
        var narrow = [Float](repeating: 0, count: m * n)
        let (x, y) = (a.map(Float.init), b.map(Float.init))
        for row in 0..<rows { losskit_matmul_f32(x, y, &narrow, row, row + 1, columns, depth, depth, 1, columns, 1) }
        expectClose(narrow.map(Double.init), expected, tolerance: 1e-6, scale: scale, "float32 by rows")
    }
}
