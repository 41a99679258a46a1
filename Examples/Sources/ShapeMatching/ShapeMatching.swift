import LossKit
import Workshop

/// Moves a square of points onto a circle by gradient descent on the Sinkhorn divergence.
@main
struct ShapeMatching {
    static func main() throws {
        let count = 196
        let angles = try Tensor.linspace(0, 2 * .pi * Double(count - 1) / Double(count), count: count)
        let circle = try Tensor.stack([angles.cos(), angles.sin()], axis: 1)
        let side = try Tensor.linspace(-0.45, 0.45, count: 14)
        let columns = try side.broadcast(to: [14, 14]).flattened()
        let rows = try side.expandedDimensions(at: 1).broadcast(to: [14, 14]).flattened()
        var points = try Tensor.stack([columns, rows], axis: 1)
        // Each point keeps the colour of the part of the square that it comes from.
        let colours = (0..<count).map { ($0 / 98) * 2 + ($0 % 14) / 7 }
        var optimizer = Adam(learningRate: 0.05)
        var drawing = Drawing()
        for step in 0...60 {
            let (loss, slope) = try valueWithGradient(at: points) { try sinkhornDivergence($0, circle, epsilon: 0.01) }
            if step % 20 == 0 {
                let radius = try points.norm(axes: [1])
                print("step \(step): divergence \(try loss.scalar()), radii \(try radius.min().scalar()) to \(try radius.max().scalar())")
                try drawing.scatter(points, labels: colours, title: "step \(step)")
            }
            points = try optimizer.step([points], gradients: [slope])[0]
        }
        try drawing.write(to: "shape-matching.svg")
    }
}
