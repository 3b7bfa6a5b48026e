import Testing

/// The house rules that a machine can check. A failure names the file and the rule.
@Suite struct TidyTests {
    static let sources = SourceTree.swiftFiles(in: "Sources")

    /// A module may import only modules of lower layers, and of its own layer those named here.
    static let layers: [String: Int] = [
        "CLaunch": 0, "CStart": 0, "CKernel": 0, "CSeccomp": 0, "CNetlink": 0,
        "JSONTree": 1, "APIMachinery": 1, "KubernetesAPI": 1, "OCI": 1, "OCISpecification": 1, "CRI": 1, "HTTP": 1,
        "PodMonitor": 1, "Protobuf": 1,
        "Launch": 2, "DBus": 2, "Linux": 2, "Store": 2, "PKI": 2, "Transport": 2,
        "APIServer": 3, "Client": 3, "Streaming": 3,
        "Scheduler": 4, "Controllers": 4, "ContainerRuntime": 4, "PodNetwork": 4, "Kubelet": 4, "KubeProxy": 4,
        "ClusterDNS": 4, "RemoteCRI": 4, "OCIRuntime": 4,
        "Daemon": 5, "swiftlet": 6, "swiftlet-podmonitor": 6, "swiftlet-oci": 6,
    ]

    static let sameLayer: Set<[String]> = [
        ["APIMachinery", "JSONTree"], ["KubernetesAPI", "APIMachinery"], ["KubernetesAPI", "JSONTree"],
        ["OCISpecification", "JSONTree"], ["OCI", "OCISpecification"], ["OCI", "JSONTree"],
        ["Linux", "Launch"], ["DBus", "Launch"],
    ]

    @Test func theSourcesAreFound() {
        #expect(Self.sources.count > 300)
    }

    @Test func importsPointDown() {
        for file in Self.sources {
            guard let own = Self.layers[file.module] else {
                Issue.record("\(file.path): module \(file.module) is in no layer")
                continue
            }
            for imported in imports(of: file) {
                guard let other = Self.layers[imported] else { continue }
                let isAllowed = other < own || Self.sameLayer.contains([file.module, imported])
                #expect(isAllowed, "\(file.path) imports \(imported), which is not beneath \(file.module)")
            }
        }
    }

    @Test func onlyTheTransportKnowsNIO() {
        let allowed: Set = ["Transport", "ClusterDNS"]
        for file in Self.sources where !allowed.contains(file.module) {
            #expect(!imports(of: file).contains { $0.hasPrefix("NIO") }, "\(file.path) imports NIO")
        }
    }

    @Test func foundationStaysOutside() {
        // Foundation itself would add 44 MB to the executable. X509's own interface is written in FoundationEssentials' types.
        for file in Self.sources {
            #expect(
                !imports(of: file).contains("Foundation"),
                "\(file.path) imports Foundation; Glibc and the standard library have what it needs")
            #expect(!imports(of: file).contains("FoundationEssentials") || file.module == "PKI", "\(file.path)")
        }
    }

    @Test func filesStayShort() {
        for file in Self.sources {
            #expect(file.lines.count <= 500, "\(file.path) has \(file.lines.count) lines; split it by idea")
        }
    }

    @Test func whatIsUnsafeSaysWhy() {
        let words = ["@unchecked Sendable", "nonisolated(unsafe)", "try!", "fatalError("]
        for file in Self.sources {
            for (index, line) in file.lines.enumerated() where words.contains(where: code(line).contains) {
                let before = file.lines[max(0, index - 4)...index]
                let isExplained = before.contains { $0.contains("SAFETY:") }
                #expect(isExplained, "\(file.path):\(index + 1) needs a // SAFETY: line")
            }
        }
    }

    /// Time and chance come from outside, so that a test can hold them.
    @Test func decisionsAreDeterministic() {
        let modules: Set = ["Scheduler", "Controllers", "Kubelet", "Store"]
        let words = [
            "Task.sleep", "ContinuousClock(", "SuspendingClock(", "SystemRandomNumberGenerator(", ".random(in:",
        ]
        for file in Self.sources where modules.contains(file.module) {
            for (index, line) in file.lines.enumerated() {
                for word in words where code(line).contains(word) && !line.contains("using:") {
                    Issue.record("\(file.path):\(index + 1) uses \(word); take it from outside")
                }
            }
        }
    }

    @Test func nothingIsLeftForLater() {
        // Spelt apart so that this file does not find itself.
        let words = ["TO" + "DO", "FIX" + "ME"]
        for file in Self.sources + SourceTree.swiftFiles(in: "Tests") {
            for (index, line) in file.lines.enumerated() where words.contains(where: line.contains) {
                Issue.record("\(file.path):\(index + 1) leaves something for later; do it, or list it in the README")
            }
        }
    }

    @Test func namesSayWhatThingsAre() {
        let banned = ["Manager", "Helper", "Util"]
        for file in Self.sources {
            let name = file.path.split(separator: "/").last?.dropLast(".swift".count) ?? ""
            #expect(!banned.contains(where: name.hasSuffix), "\(file.path): a name that says nothing")
        }
    }

    private func imports(of file: SourceTree.File) -> [String] {
        file.lines.compactMap { line in
            let words = line.split(separator: " ")
            guard words.first == "import" || (words.count > 2 && words[1] == "import") else { return nil }
            return words.last.map(String.init)
        }
    }

    /// The line without its comment.
    private func code(_ line: Substring) -> Substring {
        var rest = line
        while let slash = rest.firstIndex(of: "/") {
            let next = rest.index(after: slash)
            if next < rest.endIndex, rest[next] == "/" { return line[..<slash] }
            rest = rest[next...]
        }
        return line
    }
}
