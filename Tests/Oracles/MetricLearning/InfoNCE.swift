extension LossOracle {
    static let infoNCE = LossOracle(name: "infoNCE") { given in
        let (q, k) = (given["queries"], given["keys"])
        func similarity(_ i: Int, _ j: Int) -> Double {
            let (a, b) = (q.row(i), k.row(j))
            let zero = [Double](repeating: 0, count: a.count)
            return zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / (distance(a, zero) * distance(b, zero)) / given.number("temperature", 0.07)
        }
        return (0..<q.rows).map { i in logSumExp((0..<k.rows).map { similarity(i, $0) }) - similarity(i, i) }
    }
}
