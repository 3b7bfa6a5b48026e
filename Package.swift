// swift-tools-version: 6.2
import PackageDescription

// Every target of ours is built in Swift 6 mode, and a warning is an error.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// For the modules of swiftlet-oci, which are one module there: an import of one by another means nothing (CShims/Glibc).
let within = ["JSONTree", "OCISpecification", "Launch", "DBus", "OCIRuntime"].flatMap {
    ["-module-alias", "\($0)=\($0)Within"]
}

/// What Embedded Swift compares texts by. It lies where the linker does not look, beside what it finds.
#if arch(arm64)
    let unicode = "-l:../../swift/embedded/aarch64-unknown-linux-gnu/libswiftUnicodeDataTables.a"
#else
    let unicode = "-l:../../swift/embedded/x86_64-unknown-linux-gnu/libswiftUnicodeDataTables.a"
#endif

/// A library target under `Sources/`.
func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = strict
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// The tests of one module, under `Tests/`.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.init(stringLiteral: name), "TestSupport"] + dependencies,
        swiftSettings: strict)
}

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOWebSocket", package: "swift-nio"),
    .product(name: "NIOTLS", package: "swift-nio"),
    .product(name: "NIOHTTP2", package: "swift-nio-http2"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]

let package = Package(
    name: "swiftlet",
    products: [
        .executable(name: "swiftlet", targets: ["swiftlet"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // Layer 0: C. One folder per kernel interface.
        .target(name: "CLaunch", path: "CShims/Launch"),
        .target(name: "CStart", path: "CShims/Start"),
        .target(name: "CKernel", path: "CShims/Kernel"),
        .target(name: "CFiles", path: "CShims/Files"),
        .systemLibrary(name: "CGlibc", path: "CShims/Glibc"),
        .systemLibrary(name: "CSQLite", path: "CShims/SQLite"),
        .systemLibrary(name: "CYaml", path: "CShims/YAML"),
        .systemLibrary(name: "CArchive", path: "CShims/Archive"),
        .target(
            name: "CSeccomp", path: "CShims/Seccomp",
            linkerSettings: [.linkedLibrary("seccomp"), .linkedLibrary("cap")]),
        .target(
            name: "CNetlink", path: "CShims/Netlink",
            linkerSettings: [.linkedLibrary("mnl"), .linkedLibrary("nftnl")]),

        // Layer 1: values.
        module("JSONTree", ["CYaml"]),
        module("APIMachinery", ["JSONTree"]),
        module("KubernetesAPI", ["APIMachinery"]),
        tests("KubernetesAPI"),
        module("OCISpecification", ["JSONTree"]),
        module("OCI", ["OCISpecification", "JSONTree", crypto]),
        module("CRI"),
        module("Protobuf"),
        tests("Protobuf"),
        module("HTTP"),

        // Layer 2: the machine.
        module("DBus", ["Launch"]),
        tests("DBus"),
        module("Launch", ["OCISpecification", "CLaunch", "CKernel", "CFiles", "CSeccomp"]),
        module("Linux", ["Launch", "CLaunch", "CKernel", "CFiles", "CSeccomp", "CNetlink", "CArchive"]),
        module("PodMonitor", ["CLaunch"]),
        module("Store", [log, "CSQLite"]),
        tests("Store"),
        .executableTarget(
            name: "store-bench", dependencies: ["Store"], path: "integration/bench/store", swiftSettings: strict),
        module("PKI", ["JSONTree", x509, crypto]),
        tests("PKI", ["JSONTree", crypto]),
        module("Transport", ["HTTP", log, x509] + nio),
        tests("Transport", ["HTTP", "PKI", log, .product(name: "NIOEmbedded", package: "swift-nio")] + nio),

        // Layer 3: the API.
        module("APIServer", ["HTTP", "Store", "PKI", "KubernetesAPI", "Protobuf", log]),
        tests("APIServer", ["Store", "HTTP", "KubernetesAPI", "PKI"]),
        module("Client", ["HTTP", "KubernetesAPI", log]),
        tests("Client", ["HTTP", "KubernetesAPI", "APIServer", "Store", "Transport", "PKI"]),

        module("Streaming", ["APIMachinery", "CRI", "HTTP", "JSONTree"]),
        tests("Streaming", ["APIMachinery", "CRI", "HTTP"]),

        // Layer 4: what watches and acts.
        module("Scheduler", ["Client", log]),
        tests("Scheduler"),
        module("Controllers", ["Client", "Linux", "PKI", log]),
        tests("Controllers", ["APIServer", "HTTP", "PKI", "Scheduler", "Store", "Linux"]),
        module("ContainerRuntime", ["CRI", "HTTP", "OCI", "APIMachinery", "Linux", "PodMonitor", log]),
        module("OCIRuntime", ["OCISpecification", "DBus", "Launch", "JSONTree", "CLaunch"]),
        tests("OCIRuntime", ["OCISpecification", "DBus", "Launch", "JSONTree", "CLaunch", "CSeccomp"]),
        module("PodNetwork", ["Linux", log]),
        module(
            "RemoteCRI",
            ["APIMachinery", "CRI", "HTTP", "JSONTree", "Launch", "Protobuf", "Streaming", "Transport", log]),
        tests("RemoteCRI", ["APIMachinery", "CRI", "HTTP", "Protobuf", "Transport", log]),
        module("Kubelet", ["CRI", "Client", "HTTP", "Linux", "OCI", "Streaming", log]),
        tests("Kubelet", ["APIServer", "Client", "HTTP", "KubernetesAPI", "Linux", "OCI", "Store"]),
        module("KubeProxy", ["Client", "Linux", log]),
        module(
            "ClusterDNS",
            ["Client", "Linux", log] + [
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),

        // Layer 5: composition root and executables.
        module(
            "Daemon",
            [
                "APIServer", "Scheduler", "Controllers", "ContainerRuntime", "PodNetwork", "Kubelet", "KubeProxy",
                "RemoteCRI", "ClusterDNS", "Transport", "PKI", "Store", "HTTP", "JSONTree", log,
            ]),
        tests(
            "Daemon",
            [
                "APIMachinery", "CRI", "JSONTree", "Linux", "APIServer", "Client", "HTTP", "Kubelet", "KubernetesAPI",
                "PKI",
                "Store", log,
            ]),
        .executableTarget(
            name: "swiftlet",
            dependencies: [
                "Daemon", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: strict),

        tests("JSONTree"), tests("APIMachinery"),
        tests("OCI"),
        tests("ContainerRuntime", ["HTTP", "OCI", "JSONTree", "APIMachinery", "Linux", log]),

        .executableTarget(
            name: "network-integration",
            dependencies: [
                "PodNetwork", "KubeProxy", "ClusterDNS", "Linux", log, .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "integration/network", swiftSettings: strict),
        tests("PodNetwork", ["Linux"]),
        tests("KubeProxy", ["Linux", "Client", "KubernetesAPI", log]),
        tests(
            "ClusterDNS", ["Linux", "Client", "KubernetesAPI", log, .product(name: "NIOPosix", package: "swift-nio")]),
        // Embedded Swift and fully static: the logic is PodMonitor's, compiled a second time through a linked folder.
        .executableTarget(
            name: "swiftlet-podmonitor", dependencies: ["CLaunch", "CStart"],
            swiftSettings: strict + [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo", "-Osize"])],
            linkerSettings: [.unsafeFlags(["-static-executable"])]),

        // Embedded Swift too: what the others compile as modules is one module here, through linked folders. It starts once for each call of an engine,
        // and is at its work in 0.3 ms; lld's order of functions costs a tenth fewer page faults, and another tenth that what nobody calls is left out, which
        // takes a section for each.
        .executableTarget(
            name: "swiftlet-oci", dependencies: ["CLaunch", "CStart", "CKernel", "CFiles", "CSeccomp", "CGlibc"],
            swiftSettings: strict + [
                .enableExperimentalFeature("Embedded"),
                .unsafeFlags(["-wmo"] + within + ["-module-alias", "Glibc=CGlibc"]),
                .unsafeFlags(["-Osize", "-Xfrontend", "-function-sections"], .when(configuration: .release)),
            ],
            linkerSettings: [
                .unsafeFlags(["-static-executable", "-use-ld=lld", "-Xlinker", "--entry=crt_entry", unicode])
            ]),

        // Checks on the real kernel, as root; `integration/launch/run` builds and runs them.
        .executableTarget(
            name: "launch-check", dependencies: ["Linux", "ContainerRuntime", "PodMonitor"], path: "integration/launch",
            exclude: ["vm.sh", "weaken.sh", "weakened.sh"], swiftSettings: strict),
        .executableTarget(
            name: "launch-bench", dependencies: ["Linux", "ContainerRuntime"], path: "integration/bench/launch",
            exclude: ["floor.c"], swiftSettings: strict),
        tests("Linux", ["Launch", "CLaunch"]), tests("PodMonitor"),

        .executableTarget(
            name: "runtime-check",
            dependencies: ["ContainerRuntime", "PodNetwork", "CRI", "APIMachinery", "Linux", log],
            path: "integration/runtime", swiftSettings: strict),
        // A server that stops at named places, or has a bug put in; for integration/faults.
        .executableTarget(
            name: "faulty-swiftlet",
            dependencies: ["Daemon", "ContainerRuntime", "PodMonitor", "PodNetwork", "Store", "CRI", "Linux", log],
            path: "integration/faults/server", swiftSettings: strict),
        .testTarget(name: "TidyTests", swiftSettings: strict),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "APIServer", "Client", "Controllers", "CRI", "HTTP", "Kubelet", "KubernetesAPI", "Linux", "PodNetwork",
                "Scheduler", "Store", "TestSupport", log,
            ], swiftSettings: strict),
        .target(
            name: "TestSupport", dependencies: ["HTTP", "CRI", "KubernetesAPI", log], path: "Tests/TestSupport",
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
