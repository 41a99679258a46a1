import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

/// Bad input is answered with one clear line, by every loss of these families.
@Suite struct LossErrorTests {
    private static let cases = LossEdgeTests.cases { _ in true }

    private func error(_ given: LossCase, _ tensors: [String: Tensor]) -> (any Error)? {
        do {
            _ = try given.evaluate(tensors).array(of: Double.self)
            return nil
        } catch {
            return error
        }
    }

    // CTC reads no more labels than a row has; see below.
    @Test(arguments: Device.all, cases.filter { $0.name != "ctc" })
    func aLabelOutOfRangeIsNamed(device: Device, given: LossCase) throws {
        let inputs = try given.draw(seed: 3)
        for input in try given.loss().inputs where !input.isOptional {
            guard case .classes = input.values, let drawn = inputs.inputs[input.name] else { continue }
            for label in [-7, 1 << 20] {
                var values = drawn.values.map { Int($0) }
                values[values.count - 1] = label
                var tensors = try given.tensors(inputs, on: device)
                tensors[input.name] = try Tensor(values, shape: drawn.shape, on: device)
                guard case .indexOutOfRange(_, let position, let index, _)? = error(given, tensors) as? TensorError else {
                    Issue.record("\(given.name) \(input.name) takes \(label)")
                    continue
                }
                #expect(position == values.count - 1 && index == label, "\(given.name) \(input.name)")
            }
        }
    }

    /// Losses whose amount of work depends on labels or values, which the host reads to plan it, or whose labels it needs for a product.
    static let planned: Set = [
        "adaptiveSoftmax", "entmaxLoss", "entmax15Loss", "hierarchicalSoftmax", "linearCrossEntropy", "mixedBarlowTwins", "multiLabelMargin",
        "numberToken", "proxyAnchor", "sampledSoftmax", "sparsemaxLoss", "unifiedNegatives",
    ]

    /// On a device that works by itself a wrong label is found there: nobody waits for it, and whoever reads the loss or a gradient is told.
    @Test(arguments: Device.all, cases.filter { !["ctc"].contains($0.name) && !planned.contains($0.name) })
    func aWrongLabelIsFoundWhereItLies(device: Device, given: LossCase) throws {
        let inputs = try given.draw(seed: 3)
        for input in try given.loss().inputs where !input.isOptional {
            guard case .classes = input.values, let drawn = inputs.inputs[input.name] else { continue }
            var tensors = try given.tensors(inputs, on: device)
            let (value, cost) = try Profiler.measure { try given.evaluate(tensors).evaluated() }
            #expect(cost.downloadedBytes == 0, "\(given.name) reads something back")
            #expect(try value.array(of: Double.self).allSatisfy { !$0.isNaN })
            var values = drawn.values.map { Int($0) }
            values[0] = 1 << 20
            tensors[input.name] = try Tensor(values, shape: drawn.shape, on: device)
            if device.isOpenCL { _ = try given.evaluate(tensors).evaluated() }
            let first = try given.loss().inputs.first { $0.isDifferentiable }
            let name = try #require(first?.name)
            let point = try #require(tensors[name])
            let wrong = tensors
            #expect(throws: TensorError.self, "\(given.name) \(input.name)") {
                _ = try gradient(at: point) { try given.evaluate(wrong.merging([name: $0]) { $1 }).sum() }.array(of: Double.self)
            }
        }
    }

    @Test(arguments: Device.all, cases)
    func shapesThatDoNotFitAreRejected(device: Device, given: LossCase) throws {
        let tensors = try given.tensors(given.draw(seed: 3), on: device)
        let required = try given.loss().inputs.filter { !$0.isOptional }
        for input in required {
            guard let tensor = tensors[input.name], let dimension = input.shape.first,
                required.contains(where: { $0.name != input.name && $0.shape.contains(dimension) })
            else { continue }
            let longer = try Tensor.concatenate([tensor, tensor[0..<1]], axis: 0)
            #expect(error(given, tensors.merging([input.name: longer]) { $1 }) is TensorError, "\(given.name) \(input.name)")
            let deeper = try tensor.expandedDimensions(at: 0)
            #expect(error(given, tensors.merging([input.name: deeper]) { $1 }) is TensorError, "\(given.name) \(input.name) of higher rank")
        }
    }

    @Test(arguments: Device.all, cases)
    func classIndicesMustBeIntegers(device: Device, given: LossCase) throws {
        // Floating-point targets of these are probabilities, of another shape.
        let tensors = try given.tensors(given.draw(seed: 3), on: device)
        for input in try given.loss().inputs where !input.isOptional {
            guard case .classes = input.values, let tensor = tensors[input.name] else { continue }
            #expect(
                error(given, tensors.merging([input.name: tensor.asType(.float32)]) { $1 }) is TensorError, "\(given.name) \(input.name)")
        }
    }

    @Test(arguments: Device.all, cases)
    func whatIsDifferentiatedMustBeFloatingPoint(device: Device, given: LossCase) throws {
        let tensors = try given.tensors(given.draw(seed: 3), on: device)
        let first = try given.loss().inputs.first { $0.isDifferentiable }
        let name = try #require(first?.name)
        guard let tensor = tensors[name] else { return }
        #expect(error(given, tensors.merging([name: tensor.asType(.int32)]) { $1 }) is TensorError, "\(given.name) \(name)")
    }

    static let outOfRange: [(loss: String, option: String, value: String)] = [
        ("crossEntropy", "temperature", "0"), ("crossEntropy", "softCap", "-1"), ("crossEntropy", "labelSmoothing", "1.5"),
        ("multiMargin", "p", "3"), ("focal", "gamma", "-1"), ("binaryFocal", "alpha", "2"), ("polyFocal", "gamma", "-1"),
        ("asymmetricLoss", "clip", "1"), ("asymmetricLoss", "gammaNegative", "-1"), ("generalizedCrossEntropy", "q", "1.5"),
        ("robustPseudoLabel", "q", "-1"), ("compSum", "tau", "-1"), ("smoothAdversarialCompSum", "nu", "0"),
        ("symmetricCrossEntropy", "logZero", "1"), ("symmetricCrossEntropy", "beta", "-1"), ("sphericalZLoss", "sharpness", "0"),
        ("labelRobust", "lambda", "0"), ("adaptiveLabelRobust", "alpha", "1"), ("rejection", "cost", "0.5"), ("rejection", "alpha", "0"),
        ("entropyMaximization", "alpha", "-1"), ("directCoverage", "samples", "0"), ("taylorVariationalPU", "order", "0"),
        ("anyLoss", "steepness", "0"), ("anyLoss", "metric", "luck"), ("reweighted", "temperature", "0"), ("ensLoss", "lambda", "-1"),
        ("entmaxLoss", "alpha", "2.5"), ("entmaxLoss", "alpha", "0.5"), ("arcFace", "margin", "4"), ("arcFace", "scale", "0"),
        ("cosFace", "margin", "-1"), ("sphereFace", "margin", "0"), ("sphereFace", "annealing", "-1"), ("ctc", "blank", "99"),
        ("sampledSoftmax", "sampler", "zipf"), ("jensenShannon", "beta", "1"), ("klDivergence", "reduction", "median"),
        ("knowledgeDistillation", "temperature", "0"), ("knowledgeDistillation", "alpha", "2"),
        ("decoupledDistillation", "temperature", "-1"),
        ("progressiveSelfDistillation", "alpha", "-0.1"), ("binaryKLDistillation", "temperature", "0"), ("mannWhitney", "temperature", "0"),
        ("rankRegularized", "labelSmoothing", "1.5"), ("directPreference", "beta", "0"), ("directPreference", "labelSmoothing", "0.5"),
        ("robustDirectPreference", "flipRate", "0.5"), ("negativePreference", "beta", "0"), ("selfImprovingPreference", "alpha", "2"),
        ("semanticPreference", "beta", "-1"), ("semanticPreference", "form", "none"), ("polyCrossEntropy", "epsilons", "1,x"),
        ("contrastive", "distance", "hamming"), ("contrastive", "miner", "random"), ("contrastive", "reducer", "median"),
        ("multiSimilarity", "alpha", "0"), ("circle", "gamma", "0"), ("classCircle", "margin", "1"), ("nca", "scale", "0"),
        ("angular", "alpha", "80"), ("tupletMargin", "scale", "0"), ("cosineEmbedding", "margin", "2"), ("proxyNCA", "scale", "-1"),
        ("proxyAnchor", "alpha", "0"), ("softTriple", "gamma", "0"), ("histogramLoss", "bins", "0"), ("fastAP", "bins", "0"),
        ("rankedList", "imbalance", "1.5"), ("rankedList", "distance", "cosine"),
        ("smoothL1", "beta", "-1"), ("quantile", "quantile", "1"), ("tukeyBiweight", "c", "0"), ("cauchy", "c", "-1"),
        ("gemanMcClure", "c", "0"), ("adaptiveRobust", "c", "0"), ("adaptiveRobust", "alpha", "nan"), ("poissonNLL", "epsilon", "-1"),
        ("gaussianNLL", "epsilon", "0"), ("marginRanking", "margin", "nan"), ("huber", "delta", "0"),
        ("vicReg", "epsilon", "0"), ("barlowTwins", "epsilon", "0"), ("mixedBarlowTwins", "alpha", "2"), ("whitenedMSE", "epsilon", "2"),
        ("whitenedMSE", "sliceSize", "7"), ("swAV", "temperature", "0"), ("swAV", "epsilon", "0"), ("swAV", "iterations", "-1"),
        ("dino", "temperature", "0"), ("dino", "teacherTemperature", "0"), ("hardContrastive", "fraction", "0"),
        ("hardContrastive", "temperature", "0"), ("robustGlobalContrastive", "rho", "-1"), ("metaContrastive", "temperature", "0"),
        ("groupOrdering", "hardest", "0"), ("groupOrdering", "steepness", "0"), ("iterativeWhitening", "iterations", "-1"),
        ("dispersive", "temperature", "0"), ("dispersive", "form", "even"), ("slicedGaussian", "knots", "1"),
        ("slicedGaussian", "reach", "0"), ("leJEPA", "lambda", "2"),
        ("ssim", "windowSize", "4"), ("ssim", "sigma", "0"), ("ssim", "dataRange", "-1"), ("multiScaleSSIM", "weights", "1,-1"),
        ("multiScaleSSIM", "windowSize", "99"), ("softDTW", "gamma", "0"), ("dtw", "metric", "taxi"), ("adaptiveKeypoints", "alpha", "-1"),
        ("adaptiveRotations", "alpha", "-1"), ("signalDice", "alpha", "0"), ("regressionAsClassification", "q", "0"),
        ("regressionAsClassification", "tau", "-1"), ("cauchySchwarz", "sigma", "0"), ("cauchySchwarzInformation", "sigma", "-1"),
        ("conditionalCauchySchwarz", "sigma", "0"), ("robustExpectation", "lambda", "0"), ("robustExpectation", "divergence", "none"),
        ("hyperbolicConfusion", "curvature", "0"), ("hyperbolicConfusion", "clip", "0"), ("hyperbolicCrossEntropy", "curvature", "-1"),
        ("surfaceAlignment", "extent", "0"), ("surfaceAlignment", "form", "sdf"), ("hausdorff", "form", "mean"),
        ("hypo", "temperature", "0"),
        ("prototypeDispersion", "temperature", "-1"), ("traceContrast", "temperature", "0"), ("unifiedNegatives", "scale", "0"),
        ("unifiedNegatives", "whisker", "-1"), ("nearestClassNeighbours", "neighbours", "0"), ("metrix", "alpha", "0"),
        ("metrix", "mixing", "cutMix"),
    ]

    @Test(arguments: outOfRange)
    func optionsOutOfRangeAreRejected(loss: String, option: String, value: String) throws {
        var given = LossCase(name: loss)
        given = try #require(LossEdgeTests.cases { $0.name == loss }.first)
        var options = given.options
        options[option] = value
        given.options = options
        let tensors = try given.tensors(given.draw(seed: 3), on: .cpu)
        let failure = error(given, tensors)
        #expect(failure is TensorError)
        #expect(!"\(failure.map { "\($0)" } ?? "")".contains("\n"))
    }

    @Test(arguments: Device.all)
    func alignmentsAreChecked(device: Device) throws {
        let logs = try Tensor.zeros([4, 2, 3], on: device)
        func loss(_ targets: [[Int32]], _ frames: [Int32], _ lengths: [Int32]) throws -> Tensor {
            try ctc(
                logProbabilities: logs, targets: Tensor(targets, on: device), inputLengths: Tensor(frames, on: device),
                targetLengths: Tensor(lengths, on: device))
        }
        let good: [[Int32]] = [[1, 2], [2, 0]]
        #expect(try loss(good, [4, 3], [2, 1]).scalar().isFinite)
        #expect(throws: TensorError.indexOutOfRange(operation: "ctc targets", position: 3, index: 0, bound: 3)) {
            try loss(good, [4, 3], [2, 2])
        }
        #expect(throws: TensorError.indexOutOfRange(operation: "ctc inputLengths", position: 1, index: 5, bound: 5)) {
            try loss(good, [4, 5], [2, 1])
        }
        #expect(throws: TensorError.indexOutOfRange(operation: "ctc targetLengths", position: 0, index: 3, bound: 3)) {
            try loss(good, [4, 3], [3, 1])
        }
    }
}
