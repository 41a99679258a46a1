import Foundation
import LossKit
import Testing

@Suite struct TopologyCommandTests {
    /// A square of side 1 and a point far to its right.
    private let points: [Float] = [0, 0, 1, 0, 1, 1, 0, 1, 11, 0]

    @Test(arguments: CommandLineTests.devices) func writesATree(device: String) throws {
        let folder = try Folder()
        let file = try folder.write("points.npy", points, shape: [5, 2])
        let outcome = try CommandLineTool.run(
            "mst", file, "--output", folder.path("edges.npy"), "--plot", folder.path("tree.svg"), "--device", device, "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect((outcome.object["totalWeight"] as? NSNumber)?.doubleValue == 13)
        #expect(try folder.floats("edges.npy") == [0, 1, 1, 0, 3, 1, 1, 2, 1, 1, 4, 10])
        let drawing = try String(contentsOfFile: folder.path("tree.svg"), encoding: .utf8)
        #expect(drawing.hasPrefix("<svg") && drawing.components(separatedBy: "<circle").count == 6)
        let manhattan = try CommandLineTool.run("mst", file, "--metric", "squaredEuclidean", "--device", device, "--json")
        #expect((manhattan.object["totalWeight"] as? NSNumber)?.doubleValue == 103)
    }

    @Test(arguments: CommandLineTests.devices) func writesPersistence(device: String) throws {
        let folder = try Folder()
        let file = try folder.write("points.npy", points, shape: [5, 2])
        let outcome = try CommandLineTool.run(
            "persistence", file, "--max-dimension", "1", "--output", folder.path("pairs.npy"), "--plot", folder.path("diagram.svg"),
            "--barcode", folder.path("barcode.svg"), "--landscape", folder.path("landscape.svg"), "--device", device, "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let pairs = try folder.floats("pairs.npy")
        #expect(pairs.dropLast(3) == [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 10, 0, 0, .infinity])
        #expect(pairs.suffix(3) == [1, 1, Float(2).squareRoot()])
        let dimensions = try #require(outcome.object["dimensions"] as? [[String: Int]])
        #expect(dimensions == [["dimension": 0, "classes": 5, "essential": 1], ["dimension": 1, "classes": 1, "essential": 0]])
        for name in ["diagram.svg", "barcode.svg", "landscape.svg"] {
            #expect(try String(contentsOfFile: folder.path(name), encoding: .utf8).contains("dimension 1"))
        }
    }

    @Test func takesDistancesAndImages() throws {
        let folder = try Folder()
        let ring = try folder.write("ring.npy", [1, 2, 3, 4, 9, 5, 8, 7, 6] as [Float], shape: [3, 3])
        let outcome = try CommandLineTool.run("persistence", ring, "--image", "--output", folder.path("pairs.npy"), "--device", "cpu")
        #expect(outcome.status == 0 && outcome.output.contains("never die"), "\(outcome.errors)")
        #expect(try folder.floats("pairs.npy") == [0, 1, .infinity, 1, 8, 9])
        let square = try folder.write("square.npy", Array(points[..<8]), shape: [4, 2])
        #expect(try CommandLineTool.run("persistence", square, "--alpha", "--output", folder.path("pairs.npy")).status == 0)
        #expect(try folder.floats("pairs.npy") == [0, 0, 0.25, 0, 0, 0.25, 0, 0, 0.25, 0, 0, .infinity, 1, 0.25, 0.5])
        let matrix = try folder.write("matrix.npy", [0, 3, 3, 0] as [Float], shape: [2, 2])
        #expect(try CommandLineTool.run("persistence", matrix, "--distances", "--output", folder.path("pairs.npy")).status == 0)
        #expect(try folder.floats("pairs.npy") == [0, 0, 3, 0, 0, .infinity])
    }

    @Test func refusesBadInputInOneLine() throws {
        let folder = try Folder()
        let file = try folder.write("points.npy", points, shape: [5, 2])
        let flat = try folder.write("flat.npy", points, shape: [10])
        let calls: [([String], String)] = [
            (["mst", file, "--metric", "euclidian"], "did you mean euclidean?"), (["mst", flat], "[10]"),
            (["persistence", flat], "[10]"), (["persistence", file, "--distances"], "[5, 2]"),
            (["persistence", file, "--distances", "--image"], "got --distances and --image"), (["persistence", file, "--max-dimension", "9"], "9"),
            (["persistence", folder.path("absent.npy")], "absent.npy"), (["mst", file, "--plot", "/nonexistent/t.svg"], "t.svg"),
        ]
        for (arguments, culprit) in calls {
            let outcome = try CommandLineTool.run(arguments)
            #expect(outcome.status == 2 && outcome.errorLines.count == 1 && outcome.errors.contains(culprit), "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
        }
    }
}
