// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "Examples",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "LossKit", path: "..")],
    targets: [
        .executableTarget(name: "Tour", dependencies: [.product(name: "LossKit", package: "LossKit")]),
        .executableTarget(name: "ShapeMatching", dependencies: [.product(name: "LossKit", package: "LossKit")]),
    ],
    swiftLanguageModes: [.v6]
)
