import LossKitDevice

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Decompositions of one float64 matrix by LAPACK, on the host. Matrices are column-major; empty ones never reach LAPACK, which takes their
/// sizes for mistakes.
package enum Decomposition {
    /// The lower Cholesky factor in place; gives the first leading minor that is not positive, 0 if all are.
    package static func cholesky(_ a: inout [Double], n: Int) throws -> Int {
        let lapack = try BLAS.required(for: "cholesky")
        guard n > 0 else { return 0 }
        var (size, info) = (Int32(n), Int32(0))
        var uplo = CChar(UInt8(ascii: "L"))
        lapack.dpotrf(&uplo, &size, &a, &size, &info)
        return Int(info)
    }

    /// X of A X = B in place of B, A triangular; gives the first zero on the diagonal, 0 if there is none.
    package static func triangularSolve(_ a: [Double], _ b: inout [Double], n: Int, columns: Int, isLower: Bool) throws -> Int {
        let lapack = try BLAS.required(for: "triangularSolve")
        guard n > 0, columns > 0 else { return 0 }
        var (size, count, info) = (Int32(n), Int32(columns), Int32(0))
        var uplo = CChar(UInt8(ascii: isLower ? "L" : "U"))
        var (trans, diag) = (CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "N")))
        lapack.dtrtrs(&uplo, &trans, &diag, &size, &count, a, &size, &b, &size, &info)
        return Int(info)
    }

    /// X of A X = B in place of B; gives the first zero pivot, 0 if there is none.
    package static func solve(_ a: [Double], _ b: inout [Double], n: Int, columns: Int) throws -> Int {
        let lapack = try BLAS.required(for: "solve")
        guard n > 0 else { return 0 }
        var (a, size, count, info) = (a, Int32(n), Int32(columns), Int32(0))
        var pivots = [Int32](repeating: 0, count: max(n, 1))
        lapack.dgesv(&size, &count, &a, &size, &pivots, &b, &size, &info)
        return Int(info)
    }

    /// Sign and logarithm of the absolute value of the determinant.
    package static func logDeterminant(_ a: [Double], n: Int) throws -> (sign: Double, logarithm: Double) {
        let lapack = try BLAS.required(for: "logDeterminant")
        guard n > 0 else { return (1, 0) }
        var (a, size, info) = (a, Int32(n), Int32(0))
        var pivots = [Int32](repeating: 0, count: max(n, 1))
        lapack.dgetrf(&size, &size, &a, &size, &pivots, &info)
        var (sign, magnitude) = (1.0, [Double]())
        for index in 0..<n {
            let pivot = a[index * n + index]
            if Int(pivots[index]) != index + 1 { sign = -sign }
            sign *= pivot == 0 ? 0 : pivot < 0 ? -1 : pivot.isNaN ? .nan : 1
            magnitude.append(abs(pivot))
        }
        return (sign, magnitude.reduce(0) { $0 + log($1) })
    }

    /// The reduced factors of m x n: Q [m, k] in column-major order, and R [k, n], k = min(m, n).
    package static func qr(_ a: [Double], m: Int, n: Int) throws -> (q: [Double], r: [Double]) {
        let lapack = try BLAS.required(for: "qr")
        let k = min(m, n)
        guard k > 0 else { return ([], []) }
        var (a, rows, columns, inner, info) = (a, Int32(m), Int32(n), Int32(k), Int32(0))
        var tau = [Double](repeating: 0, count: max(k, 1))
        var length = Int32(64 * max(m, n, 1))
        var work = [Double](repeating: 0, count: Int(length))
        lapack.dgeqrf(&rows, &columns, &a, &rows, &tau, &work, &length, &info)
        var r = [Double](repeating: 0, count: k * n)
        for column in 0..<n { for row in 0..<min(column + 1, k) { r[column * k + row] = a[column * m + row] } }
        var q = Array(a.prefix(m * k))
        lapack.dorgqr(&rows, &inner, &inner, &q, &rows, &tau, &work, &length, &info)
        return (q, r)
    }

    /// The reduced factors of m x n: U [m, k], singular values in descending order, and V transposed [k, n].
    package static func svd(_ a: [Double], m: Int, n: Int) throws -> (u: [Double], s: [Double], vt: [Double]) {
        let lapack = try BLAS.required(for: "svd")
        let k = min(m, n)
        guard k > 0 else { return ([], [], []) }
        guard 4 * k * k + 8 * k + 64 * max(m, n) <= Int(Int32.max) else {
            throw DeviceError.invalidLaunch(kernel: "svd", problem: "its workspace exceeds the 32-bit sizes of LAPACK")
        }
        var (a, rows, columns, inner, info) = (a, Int32(m), Int32(n), Int32(max(k, 1)), Int32(0))
        var (u, s, vt) = ([Double](repeating: 0, count: m * k), [Double](repeating: 0, count: k), [Double](repeating: 0, count: k * n))
        var job = CChar(UInt8(ascii: "S"))
        var length = Int32(4 * k * k + 8 * k + 64 * max(m, n, 1))
        var work = [Double](repeating: 0, count: Int(length))
        var integers = [Int32](repeating: 0, count: 8 * max(k, 1))
        lapack.dgesdd(&job, &rows, &columns, &a, &rows, &s, &u, &rows, &vt, &inner, &work, &length, &integers, &info)
        guard info == 0 else { throw DeviceError.invalidLaunch(kernel: "svd", problem: "it did not converge") }
        return (u, s, vt)
    }

    /// Eigenvalues of a symmetric matrix in ascending order, and its eigenvectors as columns; only the lower triangle is read.
    package static func symmetricEigen(_ a: [Double], n: Int) throws -> (values: [Double], vectors: [Double]) {
        let lapack = try BLAS.required(for: "eigh")
        guard n > 0 else { return ([], []) }
        guard 1 + 6 * n + 2 * n * n <= Int(Int32.max) else {
            throw DeviceError.invalidLaunch(kernel: "eigh", problem: "its workspace exceeds the 32-bit sizes of LAPACK")
        }
        var (a, size, info) = (a, Int32(n), Int32(0))
        var values = [Double](repeating: 0, count: n)
        var (job, uplo) = (CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "L")))
        var (length, count) = (Int32(1 + 6 * n + 2 * n * n), Int32(3 + 5 * n))
        var work = [Double](repeating: 0, count: Int(length))
        var integers = [Int32](repeating: 0, count: Int(count))
        lapack.dsyevd(&job, &uplo, &size, &a, &size, &values, &work, &length, &integers, &count, &info)
        guard info == 0 else { throw DeviceError.invalidLaunch(kernel: "eigh", problem: "it did not converge") }
        return (values, a)
    }
}
