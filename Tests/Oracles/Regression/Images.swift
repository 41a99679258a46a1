import Foundation

extension LossOracle {
    static let images: [LossOracle] = [.ssim, .multiScaleSSIM, .totalVariation]

    /// A plane of a stack of images.
    private static func plane(_ images: Matrix, _ index: Int) -> Rows { images.lines(index, of: images.shape[2]) }

    /// Means of luminance times structure, and of structure alone.
    private static func similarity(_ x: Rows, _ y: Rows, window: Int, sigma: Double, range: Double) -> (whole: Double, structure: Double) {
        let raw = (0..<window).map { exp(-pow(Double($0) - Double(window - 1) / 2, 2) / (2 * sigma * sigma)) }
        let weights = raw.map { $0 / raw.reduce(0, +) }
        let (c1, c2) = (pow(0.01 * range, 2), pow(0.03 * range, 2))
        var (wholes, structures): ([Double], [Double]) = ([], [])
        for i in 0...x.count - window {
            for j in 0...x[0].count - window {
                var (mx, my, vx, vy, c) = (0.0, 0.0, 0.0, 0.0, 0.0)
                func each(_ visit: (Double, Double, Double) -> Void) {
                    for a in 0..<window { for b in 0..<window { visit(weights[a] * weights[b], x[i + a][j + b], y[i + a][j + b]) } }
                }
                each { w, p, q in (mx, my) = (mx + w * p, my + w * q) }
                each { w, p, q in
                    (vx, vy, c) = (vx + w * (p - mx) * (p - mx), vy + w * (q - my) * (q - my), c + w * (p - mx) * (q - my))
                }
                structures.append((2 * c + c2) / (vx + vy + c2))
                wholes.append(structures[structures.count - 1] * (2 * mx * my + c1) / (mx * mx + my * my + c1))
            }
        }
        return (mean(wholes), mean(structures))
    }

    private static func similarity(_ given: Given, _ x: Rows, _ y: Rows) -> (whole: Double, structure: Double) {
        similarity(
            x, y, window: Int(given.number("windowSize", 11)), sigma: given.number("sigma", 1.5), range: given.number("dataRange", 1))
    }

    static let ssim = LossOracle(
        name: "ssim", tolerance: 2e-5, gradientTolerance: 2e-5, sampledElements: 8, extents: ["c": 2, "h": 12, "w": 13], sizes: [1, 2, 17],
        cases: [LossCase(options: ["windowSize": "3", "sigma": "0.8", "dataRange": "2"], extents: ["h": 4, "w": 3], reduction: .none)]
    ) { given in
        let (x, y) = (given["predictions"], given["targets"])
        let channels = x.shape[1]
        func channel(_ index: Int) -> Double { similarity(given, plane(x, index), plane(y, index)).whole }
        return (0..<x.shape[0]).map { (n: Int) -> Double in 1 - mean((0..<channels).map { channel(n * channels + $0) }) }
    }

    static let multiScaleSSIM = LossOracle(
        name: "multiScaleSSIM", tolerance: 2e-5, gradientTolerance: 4e-5, sampledElements: 8,
        options: ["windowSize": "3", "weights": "0.3,0.7"], extents: ["c": 2, "h": 7, "w": 6], sizes: [1, 2, 17],
        prepare: { inputs in
            // Alike enough that no structure falls below 0.
            guard let x = inputs["predictions"], let y = inputs["targets"] else { return }
            inputs["targets"]?.values = zip(x.values, y.values).map { Double(Float(0.8 * $0 + 0.2 * $1)) }
        },
        cases: [
            LossCase(options: ["weights": "1"], reduction: .none),
            LossCase(options: ["weights": "0.2,0.3,0.5"], extents: ["h": 9, "w": 11]),
        ]
    ) { given in
        let (x, y) = (given["predictions"], given["targets"])
        func halved(_ rows: Rows) -> Rows {
            var rows = rows
            if rows.count % 2 == 1 { rows.insert(rows[0].map { _ in 0 }, at: 0) }
            if rows[0].count % 2 == 1 { rows = rows.map { [0] + $0 } }
            return (0..<rows.count / 2).map { (i: Int) -> [Double] in
                (0..<rows[0].count / 2).map { (j: Int) -> Double in
                    let (above, below) = (rows[2 * i], rows[2 * i + 1])
                    return mean([above[2 * j], above[2 * j + 1], below[2 * j], below[2 * j + 1]])
                }
            }
        }
        let weights = given.numbers("weights", [])
        func channel(_ index: Int) -> Double {
            var (a, b) = (plane(x, index), plane(y, index))
            var product = 1.0
            for (scale, weight) in weights.enumerated() {
                let both = similarity(given, a, b)
                product *= pow(max(0, scale == weights.count - 1 ? both.whole : both.structure), weight)
                (a, b) = (halved(a), halved(b))
            }
            return product
        }
        let channels = x.shape[1]
        return (0..<x.shape[0]).map { (n: Int) -> Double in 1 - mean((0..<channels).map { channel(n * channels + $0) }) }
    }

    static let totalVariation = LossOracle(
        name: "totalVariation", extents: ["c": 2, "h": 4, "w": 3],
        cases: [
            LossCase(options: ["isIsotropic": "true"], reduction: .none), LossCase(extents: ["h": 1, "w": 4]),
            LossCase(options: ["isIsotropic": "true"], extents: ["h": 3, "w": 1]),
        ]
    ) { given in
        let x = given["images"]
        return (0..<x.shape[0]).map { n in
            (0..<x.shape[1]).reduce(0.0) { (sum: Double, c: Int) -> Double in
                let rows = plane(x, n * x.shape[1] + c)
                var total = sum
                for i in rows.indices {
                    for j in rows[i].indices {
                        let right = j + 1 < rows[i].count ? rows[i][j + 1] - rows[i][j] : nil
                        let down = i + 1 < rows.count ? rows[i + 1][j] - rows[i][j] : nil
                        if given.flag("isIsotropic") {
                            if let right, let down { total += sqrt(right * right + down * down) }
                        } else {
                            total += abs(right ?? 0) + abs(down ?? 0)
                        }
                    }
                }
                return total
            }
        }
    }
}
