extension LossOracle {
    static let tripletMargin = LossOracle(name: "tripletMargin", cases: [LossCase(options: ["margin": "0.3", "swap": "true"])]) { given in
        let (a, p, n) = (given["anchors"], given["positives"], given["negatives"])
        func apart(_ x: [Double], _ y: [Double]) -> Double { distance(x.map { $0 + 1e-6 }, y) }
        return (0..<a.rows).map { i in
            var negative = apart(a.row(i), n.row(i))
            if given.flag("swap") { negative = min(negative, apart(p.row(i), n.row(i))) }
            return max(0, apart(a.row(i), p.row(i)) - negative + given.number("margin", 1))
        }
    }
}
