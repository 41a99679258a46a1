import ArgumentParser
import LossKit

struct TransportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transport", abstract: "Entropic optimal transport between two clouds of points.",
        discussion: """
            Example: losskit transport x.npy y.npy --epsilon 0.01 --plan plan.npy --plot couplings.svg
            The cost is half the squared distance, the distance with --power 1, or what --metric says; epsilon is in the cost's units and \
            its entropy is the plan's KL divergence from the product of the weights. --reach lets mass appear and vanish, --mass moves a \
            part of it.
            """)

    @Argument(help: "Points [n, d].") var x: String
    @Argument(help: "Points [m, d].") var y: String
    @Option(help: "Weights [n] of the first points; 1 / n each by default.") var sourceWeights: String?
    @Option(help: "Weights [m] of the second points.") var targetWeights: String?
    @Option(parsing: .unconditional, help: "How blurred the plan may be, in the cost's units.") var epsilon = 0.05
    @Option(parsing: .unconditional, help: "2 for half the squared distance, 1 for the distance.") var power = 2
    @Option(help: "Any metric as the cost instead; a name that is none lists them.") var metric: String?
    @Option(parsing: .unconditional, help: "The length beyond which mass is rather created and destroyed than moved.") var reach: Double?
    @Option(parsing: .unconditional, help: "How much mass to move, at most that of either side.") var mass: Double?
    @Option(parsing: .unconditional, help: "Stop when both marginals are within this L1 distance of the weights.") var tolerance = 1e-4
    @Option(parsing: .unconditional, help: "Stop at the latest after so many steps.") var maximumIterations = 1000
    @Option(help: "Write the plan [n, m] to this file.") var plan: String?
    @Option(help: "Write where each of the first points goes on average, [n, d], to this file.") var map: String?
    @Option(help: "Draw the plan as a matrix to this .svg file.") var planPlot: String?
    @Option(help: "Draw both clouds, by their first two coordinates, and what is moved between them to this .svg file.") var plot: String?
    @OptionGroup var options: RunOptions

    func validate() throws {
        if power != 1 && power != 2 { throw ValidationError("expected --power 1 or 2, got \(power)") }
        if metric != nil && power != 2 { throw ValidationError("expected either --metric or --power, got both") }
        if let reach, !(reach > 0) { throw ValidationError("expected --reach above 0, got \(reach)") }
    }

    /// The cost that a metric's name stands for.
    private static func cost(_ name: String, _ x: Tensor, _ y: Tensor) throws -> TransportCost {
        if let metric = CurvedMetric(rawValue: name) { return .metric(metric, x, y) }
        return .metric(try Metric.named(name, besides: CurvedMetric.allCases.map(\.rawValue)), x, y)
    }

    func run() throws {
        let device = try options.device()
        try ArrayFile.checkInputs([self.x, self.y, sourceWeights, targetWeights])
        let (x, y) = (try ArrayFile.load(self.x, on: device), try ArrayFile.load(self.y, on: device))
        let weights = (try sourceWeights.map { try ArrayFile.load($0, on: device) }, try targetWeights.map { try ArrayFile.load($0, on: device) })
        var settings = EntropicTransportOptions(mass: mass, tolerance: tolerance, maximumIterations: maximumIterations, gradient: .none)
        if let reach {
            let penalty = MarginalPenalty.divergence(metric == nil ? TransportCost.epsilon(blur: reach, power: power) : reach)
            (settings.source, settings.target) = (penalty, penalty)
        }
        let cost = try metric.map { try Self.cost($0, x, y) } ?? .points(x, y, power: power)
        try options.report(on: device, outputs: [plan, map]) { [settings] in
            try entropicTransport(cost, a: weights.0, b: weights.1, epsilon: epsilon, options: settings)
        } writing: { solution in
            try plan.map { try ArrayFile.save(solution.plan(), to: $0) }
            try map.map { try ArrayFile.save(solution.barycentricMap(), to: $0) }
            try planPlot.map { try HeatChart.plan(solution).svg.write(to: $0) }
            try plot.map { try ScatterChart.couplings(solution, from: x, to: y).svg.write(to: $0) }
            if !solution.isConverged {
                Console.error(
                    "losskit: after \(solution.iterations) steps the marginals are off by \(solution.marginalError); "
                        + "--maximum-iterations or --epsilon may be larger")
            }
        } text: { solution in
            Console.table([
                ["value", "linear cost", "steps", "marginal error"],
                [
                    "\(Float(try solution.value.scalar()))", "\(Float(try solution.linearCost().scalar()))", "\(solution.iterations)",
                    "\(Float(solution.marginalError))",
                ],
            ])
        } members: { solution in
            [
                ("value", .number(try solution.value.scalar())), ("linearCost", .number(try solution.linearCost().scalar())),
                ("iterations", .integer(solution.iterations)), ("marginalError", .number(solution.marginalError)),
                ("isConverged", .flag(solution.isConverged)),
            ]
        }
    }
}

extension HeatChart {
    /// What a plan moves from each of the first points, a row, to each of the second.
    static func plan(_ solution: EntropicTransport) throws -> HeatChart {
        let plan = try solution.plan()
        return HeatChart(
            title: "Transport plan", rows: plan.shape[0], columns: plan.shape[1], values: try plan.array(of: Double.self),
            axisNames: ("to", "from"))
    }
}

extension ScatterChart {
    /// What shares of a plan are drawn: those too small to be seen are left out.
    private static let leastShare = 0.05
    /// Beyond so many pairs a drawing is too dense to be read.
    private static let largestPlan = 4_000_000

    /// Two clouds in a plane, and between their points what a plan moves: the darker the more of what its row holds.
    static func couplings(_ solution: EntropicTransport, from x: Tensor, to y: Tensor) throws -> ScatterChart {
        let (n, m) = (x.shape[0], y.shape[0])
        guard x.shape[1] >= 2 else {
            throw TensorError.shapeMismatch(operation: "transport --plot", expected: "points of 2 coordinates or more", actual: [x.shape])
        }
        guard n * m <= largestPlan else {
            throw TensorError.invalidArgument(
                operation: "transport --plot", expected: "at most \(largestPlan) pairs of points", actual: "\(n * m)")
        }
        let (sources, targets) = (try places(x), try places(y))
        let plan = try solution.plan().array(of: Double.self)
        var chart = ScatterChart(title: "Transport of \(n) points to \(m)", hasEqualScales: true)
        for i in 0..<n {
            let row = plan[i * m..<(i + 1) * m]
            let most = row.max() ?? 0
            for (j, moved) in row.enumerated() where moved > leastShare * most {
                chart.segments.append(Segment(from: sources[i], to: targets[j], strength: 0.45 * moved / most))
            }
        }
        chart.series = [
            Series(name: "from", colour: Palette.colours[0], points: sources),
            Series(name: "to", colour: Palette.colours[1], points: targets),
        ]
        return chart
    }
}
