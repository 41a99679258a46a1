import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// What `transport` and `knn` say and write, against what can be worked out by hand.
@Suite struct PointCommandTests {
    @Test(arguments: CommandLineTests.devices) func transportsAPair(device: String) throws {
        let folder = try Folder()
        let x = try folder.write("x.npy", [0, 0, 10, 0] as [Float], shape: [2, 2])
        let y = try folder.write("y.npy", [10, 2, 0, 1] as [Float], shape: [2, 2])
        let outcome = try CommandLineTool.run(
            "transport", x, y, "--epsilon", "0.1", "--plan", folder.path("plan.npy"), "--map", folder.path("map.npy"), "--plot",
            folder.path("plot.svg"), "--plan-plot", folder.path("matrix.svg"), "--device", device, "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        // Each point goes straight up, by 1 and by 2: (1 / 2 + 4 / 2) / 2.
        let cost = try #require((outcome.object["linearCost"] as? NSNumber)?.doubleValue)
        // Marginals are off by 1e-4 at most, of which none moves further than 2.
        #expect(abs(cost - 1.25) < 2e-4)
        #expect(outcome.object["isConverged"] as? Bool == true)
        for (moved, expected) in zip(try folder.floats("plan.npy"), [0, 0.5, 0.5, 0] as [Float]) { #expect(abs(moved - expected) < 1e-4) }
        for (place, expected) in zip(try folder.floats("map.npy"), [0, 1, 10, 2] as [Float]) { #expect(abs(place - expected) < 1e-3) }
        let drawing = try String(contentsOfFile: folder.path("plot.svg"), encoding: .utf8)
        // Four points and two dots of the legend.
        #expect(drawing.components(separatedBy: "<circle").count == 7)
        // The ground, two cells that hold mass, and the scale's steps; the darkest colour is theirs.
        let matrix = try String(contentsOfFile: folder.path("matrix.svg"), encoding: .utf8)
        #expect(matrix.components(separatedBy: "crispEdges").count == 1 + 1 + 2 + 40)
        #expect(matrix.components(separatedBy: "rgb(8,48,107)").count >= 1 + 2)
    }

    @Test func letsMassVanishBeyondTheReach() throws {
        let folder = try Folder()
        let x = try folder.write("x.npy", [0, 0] as [Float], shape: [2, 1])
        let y = try folder.write("y.npy", [0, 100] as [Float], shape: [2, 1])
        let outcome = try CommandLineTool.run(
            "transport", x, y, "--epsilon", "0.01", "--reach", "1", "--plan", folder.path("plan.npy"), "--device", "cpu")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let plan = try folder.floats("plan.npy")
        #expect(plan[0] > 0.2 && plan[1] < 1e-6 && plan[3] < 1e-6)
    }

    /// One point to one: the cost is the distance.
    @Test(arguments: CommandLineTests.devices) func transportsByAnyMetric(device: String) throws {
        let folder = try Folder()
        let x = try folder.write("x.npy", [0, 0, 1] as [Float], shape: [1, 3])
        let y = try folder.write("y.npy", [1, 2, 4] as [Float], shape: [1, 3])
        for (metric, distance) in [("manhattan", 6.0), ("chebyshev", 3), ("squaredEuclidean", 14)] {
            let outcome = try CommandLineTool.run("transport", x, y, "--metric", metric, "--device", device, "--json")
            let value = try #require((outcome.object["value"] as? NSNumber)?.doubleValue, "\(outcome.errors)")
            expectClose([value], [distance], tolerance: 2e-6)
        }
        let pole = try folder.write("pole.npy", [Float.pi / 2, 0] as [Float], shape: [1, 2])
        let equator = try folder.write("equator.npy", [0, 1] as [Float], shape: [1, 2])
        let turn = try CommandLineTool.run("transport", pole, equator, "--metric", "haversine", "--device", device, "--json")
        expectClose([try #require((turn.object["value"] as? NSNumber)?.doubleValue, "\(turn.errors)")], [Double.pi / 2], tolerance: 2e-6)
    }

    @Test(arguments: CommandLineTests.devices) func findsNeighbours(device: String) throws {
        let folder = try Folder()
        let points = try folder.write("points.npy", [0, 0, 1, 0, 1, 1, 0, 1, 11, 0] as [Float], shape: [5, 2])
        let query = try folder.write("query.npy", [11, 1] as [Float], shape: [1, 2])
        let among = try CommandLineTool.run(
            "knn", points, "--k", "2", "--indices", folder.path("i.npy"), "--distances", folder.path("d.npy"), "--device", device, "--json")
        #expect(among.status == 0, "\(among.errors)")
        #expect(try folder.floats("d.npy").dropLast(2) == [1, 1, 1, 1, 1, 1, 1, 1])
        let indices = try Tensor.load(folder.path("i.npy"), on: .cpu).array(of: Int.self)
        #expect(indices == [1, 3, 0, 2, 1, 3, 0, 2, 1, 2])
        let other = try CommandLineTool.run("knn", query, "--in", points, "--k", "1", "--metric", "manhattan", "--device", device, "--json")
        #expect((other.object["meanNearest"] as? NSNumber)?.doubleValue == 1)
    }

    @Test func refusesBadInputInOneLine() throws {
        let folder = try Folder()
        let points = try folder.write("points.npy", [0, 0, 1, 0, 1, 1] as [Float], shape: [3, 2])
        let line = try folder.write("line.npy", [0, 1, 2] as [Float], shape: [3, 1])
        let negative = try folder.write("negative.npy", [1, -1, 1] as [Float], shape: [3])
        let calls: [([String], String)] = [
            (["transport", points, line], "[3, 1]"), (["transport", points, points, "--epsilon", "0"], "epsilon"),
            (["transport", points, points, "--power", "3"], "3"), (["transport", points, points, "--source-weights", negative], "not negative"),
            (["transport", line, line, "--plot", folder.path("p.svg")], "2 coordinates"),
            (["transport", points, points, "--reach", "-1"], "--reach"), (["transport", points, points, "--metric", "manhatan"], "manhattan?"),
            (["transport", points, points, "--metric", "round"], "haversine"),
            (["transport", points, points, "--metric", "cosine", "--power", "1"], "--power"), (["knn", points, "--k", "3"], "3"),
            (["knn", points, "--metric", "cosin"], "did you mean cosine?"), (["knn", points, "--in", line], "[3, 1]"),
        ]
        for (arguments, culprit) in calls {
            let outcome = try CommandLineTool.run(arguments)
            #expect(outcome.status == 2 && outcome.errorLines.count == 1 && outcome.errors.contains(culprit), "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
        }
    }
}
