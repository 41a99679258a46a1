// swift-tools-version: 6.1
import PackageDescription

let systemLibraries: [LinkerSetting] = [
    .linkedLibrary("m", .when(platforms: [.linux])),
    .linkedLibrary("dl", .when(platforms: [.linux])),
    .linkedLibrary("pthread", .when(platforms: [.linux])),
]

/// Debug builds leave C and Swift unoptimized, which makes the runtime, the oracles and with them the tests several times slower. What another
/// package takes from a repository may not set such flags.
let isDependency = Context.packageDirectory.contains("/checkouts/") || Context.packageDirectory.contains("/registry/")
let optimizedC: [CSetting] = isDependency ? [] : [.unsafeFlags(["-O2"], .when(configuration: .debug))]
let optimized: [SwiftSetting] = isDependency ? [] : [.unsafeFlags(["-O"], .when(configuration: .debug))]

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: "LossKit\(name)", dependencies: dependencies + ["LossKitTestSupport"], path: "Tests/\(name)")
}

let package = Package(
    name: "LossKit",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "LossKit", targets: ["LossKit"]),
        .library(name: "LossKitC", type: .dynamic, targets: ["LossKitCInterface"]),
        .executable(name: "losskit", targets: ["losskit"]),
        .executable(name: "Benchmarks", targets: ["Benchmarks"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .target(name: "CLossKitOpenCL", path: "Sources/COpenCL", linkerSettings: systemLibraries),
        .target(name: "CLossKitHost", path: "Sources/CHostKernels", cSettings: optimizedC, linkerSettings: systemLibraries),
        .target(name: "LossKitDevice", dependencies: ["CLossKitOpenCL"], path: "Sources/Device", swiftSettings: optimized),
        .target(name: "LossKitKernels", dependencies: ["LossKitDevice", "CLossKitHost"], path: "Sources/Kernels", swiftSettings: optimized),
        .target(name: "LossKitOps", dependencies: ["LossKitDevice", "LossKitKernels"], path: "Sources/Ops", swiftSettings: optimized),
        .target(name: "LossKitLosses", dependencies: ["LossKitOps"], path: "Sources/Losses", swiftSettings: optimized),
        .target(
            name: "LossKit", dependencies: ["LossKitDevice", "LossKitKernels", "LossKitOps", "LossKitLosses"],
            path: "Sources/LossKit"),
        .systemLibrary(name: "CLossKit", path: "include"),
        .target(name: "LossKitCInterface", dependencies: ["CLossKit", "LossKit"], path: "Sources/CInterface"),
        .target(name: "LossKitConsole", path: "Sources/Console"),
        .executableTarget(
            name: "losskit",
            dependencies: ["LossKit", "LossKitConsole", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Sources/losskit-cli"),
        .executableTarget(
            name: "Benchmarks",
            dependencies: ["LossKit", "LossKitConsole", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Benchmarks", exclude: ["Results", "Data", "Peers"]),
        .target(name: "LossKitOracles", path: "Tests/Oracles", swiftSettings: optimized),
        .target(name: "LossKitTestSupport", dependencies: ["LossKit", "LossKitOracles"], path: "Tests/Support"),
        .executableTarget(name: "KernelTour", dependencies: ["LossKit", "LossKitKernels", "LossKitOps"], path: "Tests/KernelTour"),
        .executableTarget(name: "DocumentationTour", dependencies: ["LossKit"], path: "Tests/DocumentationTour"),
        tests("DeviceTests", ["LossKitDevice", "LossKitKernels", "CLossKitOpenCL"]),
        tests("KernelsTests", ["LossKitDevice", "LossKitKernels", "CLossKitHost"]),
        tests("OpsTests", ["LossKitOps"]),
        tests("LossesTests", ["LossKit", "LossKitOracles"]),
        tests("CommandLineTests", ["losskit", "DocumentationTour"]),
        tests("CInterfaceTests", ["CLossKit", "LossKitCInterface"]),
        tests("FuzzTests", ["LossKit", "LossKitDevice", "LossKitOps"]),
        tests("BenchmarksTests", ["Benchmarks"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
