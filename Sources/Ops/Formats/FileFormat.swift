/// How arrays lie in a file, by the ending of its name.
enum FileFormat: String, CaseIterable {
    case numPy = ".npy"
    case numPyArchive = ".npz"
    case safeTensors = ".safetensors"

    /// The format of a path; anything that has no ending known here is a `.npy` file.
    init(_ path: String) { self = Self.allCases.first { path.hasSuffix($0.rawValue) } ?? .numPy }

    /// The format of a path, or where its ending is none known here, of how its content begins.
    init(_ path: String, _ bytes: [UInt8]) {
        let known = Self.allCases.first { path.hasSuffix($0.rawValue) }
        if let known {
            self = known
        } else if bytes.starts(with: [0x50, 0x4B]) {
            self = .numPyArchive
        } else {
            // The length of a JSON object comes first.
            self = bytes.count > 8 && bytes[8] == UInt8(ascii: "{") && !bytes.starts(with: [0x93]) ? .safeTensors : .numPy
        }
    }

    /// A path of the form `FILE.npz:NAME`, taken apart; a file that holds one array needs no name.
    static func split(_ path: String) -> (file: String, member: String?) {
        for format in [numPyArchive, safeTensors] {
            let parts = path.split(separator: format.rawValue + ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { return (parts[0] + format.rawValue, String(parts[1])) }
        }
        return (path, nil)
    }

    /// What the only array of an archive is called, as NumPy and PyTorch would.
    var onlyMember: String { self == .safeTensors ? "tensor" : "arr_0" }
}
