import CLossKitHost
import LossKitDevice

/// How an OpenCL device divides the work on rows among work-groups; it depends on sizes, device and its tuning only.
struct RowPlan {
    /// Items of a work-group.
    var size = 1
    /// Neighbouring items that share a row.
    var width = 1
    var rowsAtOnce = 1
    /// Work-groups that share a row, and the columns of each.
    var segments = 1
    var segmentLength: Int
    /// Work-groups, or groups of them that share rows.
    var units: Int

    init(rows: Int, classes: Int, on encoder: OpenCLEncoder, splits: Bool = true) {
        let traits = encoder.traits
        segmentLength = max(classes, 1)
        if !traits.isCPU {
            size = encoder.tuned(.rowGroup)
            width = min(size, Self.powerOfTwo(atMost: max(1, classes / 4)))
            rowsAtOnce = size / width
        } else {
            rowsAtOnce = max(1, min(encoder.tuned(.rowBlock) / max(classes, 1), rows / (8 * traits.computeUnits)))
        }
        if splits, rows < 4 * traits.computeUnits, classes >= 1 << 15 {
            let least = traits.isCPU ? 1 << 14 : 1 << 12
            segments = max(1, min((8 * traits.computeUnits + rows - 1) / rows, classes / least))
            segmentLength = ((classes + segments - 1) / segments + 1023) / 1024 * 1024
            segments = (classes + segmentLength - 1) / segmentLength
        }
        units = (rows + rowsAtOnce - 1) / rowsAtOnce
    }

    func apply(to options: inout losskit_cross_entropy_options) {
        options.rows_at_once = Int64(rowsAtOnce)
        options.segments = Int32(segments)
        options.segment_length = Int64(segmentLength)
        options.width = Int32(width)
    }

    private static func powerOfTwo(atMost limit: Int) -> Int { 1 << (Int.bitWidth - 1 - limit.leadingZeroBitCount) }
}
