// Made of Sources/LossKit/LossKit.docc/Articles/RankingAndPreference.md by scripts/snippets.

import LossKit

extension Articles {
    static func rankingAndPreference() throws {
        let chosen = try Tensor([-12, -9] as [Float])
        let rejected = try Tensor([-11, -14] as [Float])
        let reference = try Tensor([-11, -11] as [Float])
        let loss = try directPreference(
            chosen: chosen, rejected: rejected, referenceChosen: reference, referenceRejected: reference, beta: 0.5, reduction: .none)
        print(try loss.array(of: Float.self))
    }
}
