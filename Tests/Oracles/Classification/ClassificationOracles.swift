extension LossOracle {
    static let classification: [LossOracle] = labelled + binary + robust + margins + research

    private static let labelled: [LossOracle] = [
        .crossEntropy, .linearCrossEntropy, .nll, .multiMargin, .multiLabelMargin, .multiLabelSoftMargin, .focal, .polyCrossEntropy,
    ]
    private static let binary: [LossOracle] = [
        .binaryCrossEntropy, .binaryCrossEntropyOfProbabilities, .softMargin, .hinge, .squaredHinge, .binaryFocal, .asymmetricLoss,
        .polyFocal,
    ]
    private static let robust: [LossOracle] = [
        .generalizedCrossEntropy, .robustPseudoLabel, .entropyMinimization, .compSum, .smoothAdversarialCompSum, .symmetricCrossEntropy,
        .squentropy, .stableMaxCrossEntropy, .sphericalZLoss, .labelRobust, .adaptiveLabelRobust,
    ]
    private static let margins: [LossOracle] = [
        .arcFace, .cosFace, .amSoftmax, .sphereFace, .entmaxLoss, .entmax15Loss, .sparsemaxLoss, .sampledSoftmax, .adaptiveSoftmax,
        .hierarchicalSoftmax, .ctc,
    ]
    private static let research: [LossOracle] = [
        .rejection, .correctnessAware, .entropyMaximization, .directCoverage, .taylorVariationalPU, .anyLoss, .reweighted, .ensLoss,
        .earlyLearning, .numberToken, .numberTokenDistribution,
    ]
}
