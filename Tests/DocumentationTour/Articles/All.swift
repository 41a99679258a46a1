// Made by scripts/snippets.

extension Articles {
    static let all: [(name: String, run: @Sendable () throws -> Void)] = [
        ("ChoosingALoss", { try choosingALoss() }),
        ("Classification", { try classification() }),
        ("Devices", { try devices() }),
        ("Distillation", { try distillation() }),
        ("Divergence", { try divergence() }),
        ("Errors", { try errors() }),
        ("Formulas", { try formulas() }),
        ("Geometry", { try geometry() }),
        ("Interoperation", { try interoperation() }),
        ("MetricLearning", { try metricLearning() }),
        ("MovingFromPyTorch", { try movingFromPyTorch() }),
        ("Numerics", { try numerics() }),
        ("Performance", { try performance() }),
        ("RankingAndPreference", { try rankingAndPreference() }),
        ("Regression", { try regression() }),
        ("SelfSupervised", { try selfSupervised() }),
        ("Topology", { try topology() }),
        ("Transport", { try transport() }),
        ("Tutorial", { try tutorial() }),
        ("WritingAKernel", { try writingAKernel() }),
        ("WritingALoss", { try writingALoss() }),
        ("LossKit", { try lossKit() }),
    ]
}
