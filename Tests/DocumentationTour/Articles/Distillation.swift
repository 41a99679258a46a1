// Made of Sources/LossKit/LossKit.docc/Articles/Distillation.md by scripts/snippets.

import LossKit

extension Articles {
    static func distillation() throws {
        let student = try Tensor([1, 0, 0.5] as [Float], shape: [1, 3])
        let teacher = try Tensor([3, -1, 0] as [Float], shape: [1, 3])
        for temperature in [1.0, 4] {
            let pull = try gradient(at: student) {
                try knowledgeDistillation(logits: $0, teacherLogits: teacher, temperature: temperature, alpha: 1)
            }
            print(temperature, try pull.array(of: Float.self))
        }
    }
}
