// swift-tools-version: 6.1
import PackageDescription

let lossKit: Target.Dependency = .product(name: "LossKit", package: "LossKit")

let package = Package(
    name: "Examples",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "LossKit", path: "..")],
    targets: [
        .target(name: "Workshop", dependencies: [lossKit]),
        .executableTarget(name: "Tour", dependencies: [lossKit]),
    ]
        + ["ShapeMatching", "DigitsTREG", "TopologicalDigits", "HardTriplets", "NoisyLabels"].map {
            .executableTarget(name: $0, dependencies: ["Workshop", lossKit])
        },
    swiftLanguageModes: [.v6]
)
