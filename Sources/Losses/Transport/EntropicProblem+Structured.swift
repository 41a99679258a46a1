import LossKitOps

extension EntropicProblem {
    /// A solution in float32 alone, where pairs have a structure.
    func settled(_ run: inout Run, _ schedule: Schedule) throws -> State {
        while true {
            try run.iterate()
            let state = try finished(run.f, run.g, run.shift, iterations: run.iterations, tolerance: schedule.tolerance)
            // What was measured in passing is of potentials that had moved on.
            if state.isConverged || run.iterations >= schedule.maximumIterations { return state }
            (run.f, run.g, run.shift) = (state.f, state.g, state.shift)
        }
    }

    /// A last step without relaxation, and a close look at what came out.
    private func finished(_ f: Tensor, _ g: Tensor, _ shift: Tensor?, iterations: Int, tolerance: Double) throws -> State {
        let nextF = try step(.x, own: f, other: g, epsilon, share: 1, shift).next
        let (softY, nextG) = try step(.y, own: g, other: nextF, epsilon, share: 1, shift)
        let softX = try softMin(.x, potentials: nextG, logWeights: logWeights.y, own: nextF, epsilon: epsilon).soft
        var state = State(
            f: nextF, g: nextG, shift: mass == nil ? nil : try shifted(nextG, softY, epsilon), soft: (softX, softY), errors: (0, 0),
            iterations: iterations, isConverged: false)
        state.errors = try errors(f: nextF, g: nextG, soft: state.soft, shift: state.shift)
        state.isConverged = max(state.errors.x, state.errors.y) <= tolerance
        return state
    }
}
