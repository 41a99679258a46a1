import Synchronization

/// Leaves what hardly counts out of the gradients of a cross-entropy over a vocabulary, and counts what was left out.
///
/// The derivatives of the losses for the logits (softmax less target) are looked at in tiles of some rows by some classes. A tile whose
/// derivatives are all smaller than the threshold, before the rows' cotangents c are multiplied in, takes no part in the products with
/// the weight and with the hidden states. Entry (i, j) of the hidden states' gradient is then off by at most
/// threshold |c_i| sum_k |w_kj|, entry (k, j) of the weight's by at most threshold sum_i |c_i x_ij|; the value and the bias's gradient
/// are exact.
///
/// Predictions that are right and sure make whole tiles small, and so does a vocabulary in order of frequency. The extents of a tile
/// depend on the device. Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models, 2025, who take 2^-12 for bfloat16.
public final class GradientFilter: Sendable {
    /// Derivatives at least as large are never left out.
    public let threshold: Double
    private let counts = Mutex((tiles: 0, skipped: 0))

    /// - Parameter threshold: Not negative.
    public init(threshold: Double) { self.threshold = threshold }

    /// How many tiles of gradients were looked at so far.
    public var tiles: Int { counts.withLock { $0.tiles } }

    /// How many of them were left out.
    public var skippedTiles: Int { counts.withLock { $0.skipped } }

    func count(_ tiles: Int, skipped: Int) {
        counts.withLock { $0 = ($0.tiles + tiles, $0.skipped + skipped) }
    }

    func check(_ operation: String) throws {
        guard threshold >= 0, threshold.isFinite else {
            throw TensorError.invalidArgument(operation: operation, expected: "a filter's threshold of at least 0", actual: "\(threshold)")
        }
    }
}

extension GradientFilter {
    /// Rows of one tile where a stretch of classes is looked at by the host.
    private static let rowsOfATile = 32

    /// The runs of rows whose tiles are not left out.
    ///
    /// - Parameters:
    ///   - slopes: [rows, classes], with the rows' factors.
    ///   - factors: One a row.
    func kept(_ slopes: Tensor, factors: [Float]) throws -> [Range<Int>] {
        let largest = try slopes.absolute().max(axes: [1]).array(of: Float.self)
        var (runs, tiles): ([Range<Int>], Int) = ([], 0)
        var kept = 0
        for first in stride(from: 0, to: factors.count, by: Self.rowsOfATile) {
            let rows = first..<min(factors.count, first + Self.rowsOfATile)
            tiles += 1
            // A NaN is not below anything.
            guard !rows.allSatisfy({ largest[$0] < Float(threshold) * abs(factors[$0]) || largest[$0] == 0 }) else { continue }
            kept += 1
            if let last = runs.last, last.upperBound == first {
                runs[runs.count - 1] = last.lowerBound..<rows.upperBound
            } else {
                runs.append(rows)
            }
        }
        count(tiles, skipped: tiles - kept)
        return runs
    }
}
