import Glibc
import Linux
import PKI
import TestSupport
import Testing

@testable import Daemon

@Suite struct UninstallTests {
    /// All that is in it is killed by the uninstallation: it must be ours alone, whatever the parent.
    @Test func theCgroupBearsTheInstancesNameUnderAnyParent() {
        let hierarchy = CgroupHierarchy(mountPoint: "/cg", controllers: [])
        func root(_ parent: String) -> String {
            var configuration = DaemonConfiguration()
            configuration.cgroupParent = parent
            return NodePaths.cgroupRoot(configuration, "abc123", in: hierarchy)
        }
        #expect(root("") == "/cg/swiftlet-abc123")
        #expect(root("/") == "/cg/swiftlet-abc123")
        #expect(root("system.slice") == "/cg/system.slice/swiftlet-abc123")
        #expect(root("/a/b/") == "/cg/a/b/swiftlet-abc123")
    }

    @Test func theParentIsNotInTheInstancesOwnGroup() {
        for (parent, isRefused) in [
            ("/swiftlet-abc123", true), ("a/swiftlet-abc123/pods", true), ("", false), ("/swiftlet-abc", false),
            ("/swiftlet-abc1234/b", false),
        ] {
            var configuration = DaemonConfiguration()
            configuration.cgroupParent = parent
            let isTaken = (try? NodePaths.checkParent(configuration, "abc123")) != nil
            #expect(isTaken == !isRefused, "\(parent)")
        }
    }

    @Test func mountsAreOursInOurOwnDirectoriesOnly() {
        var configuration = DaemonConfiguration()
        configuration.dataDirectory = "/srv"
        configuration.runDirectory = "/run/s"
        #expect(
            OwnFiles.mountRoots(configuration) == ["/run/s/runtime", "/srv/runtime", "/run/s/kubelet", "/srv/kubelet"])
    }

    /// What containers wrote goes with the records that name it, also where the data are to stay: the next daemon would know nothing of it.
    @Test func whatContainersWroteGoesWithTheirRecords() throws {
        var template = Array("\(temporaryDirectory)/swiftlet-uninstall-XXXXXX".utf8CString)
        let root = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { try? TreeRemoval.remove(root) }
        for path in ["r/runtime/sandboxes", "d/runtime/containers/1/upper", "d/runtime/images", "d/store"] {
            try WholeFile.makeDirectories("\(root)/\(path)")
        }
        var configuration = DaemonConfiguration()
        (configuration.dataDirectory, configuration.runDirectory) = ("\(root)/d", "\(root)/r")
        configuration.logDirectory = "\(root)/l"
        let removed = try OwnFiles(configuration).removeVolatile()
        #expect(removed == ["\(root)/r/runtime", "\(root)/r", "\(root)/d/runtime/containers"])
        #expect(try OwnFiles.names(in: "\(root)/d").sorted() == ["runtime", "store"])
        #expect(try OwnFiles.names(in: "\(root)/d/runtime") == ["images"])
    }

    /// An agent whose data stay is given its pods' network anew.
    @Test func theNextStartAsksForThePodNetwork() throws {
        var template = Array("\(temporaryDirectory)/swiftlet-uninstall-XXXXXX".utf8CString)
        let root = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { try? TreeRemoval.remove(root) }
        let files = MembershipFiles(path: root)
        try files.forgetPodNetwork()
        #expect(try OwnFiles.names(in: root).isEmpty)
        var facts = ClusterFacts(clusterNetwork: "a", serviceNetwork: "b", clusterDomain: "c")
        facts.podNetwork = "10.42.1.0/24"
        try files.save(facts)
        try files.forgetPodNetwork()
        facts.podNetwork = ""
        let left = try #require(try readFile("\(root)/cluster.json"))
        #expect(ClusterFacts(text: left) == facts)
    }
}
