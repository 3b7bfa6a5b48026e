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

    /// Nor in that of another, which has its pods there or, after a boot, is to have them; a group that is merely called so is anybody's.
    @Test func theParentIsInNoInstancesOwnGroup() throws {
        var template = Array("\(temporaryDirectory)/swiftlet-cgroups-XXXXXX".utf8CString)
        let top = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { try? TreeRemoval.remove(top) }
        for path in ["a/swiftlet-other1/pods/x", "swiftlet-system", "swiftlet-pods.service/pods"] {
            try WholeFile.makeDirectories("\(top)/\(path)")
        }
        for (parent, words) in [
            ("/swiftlet-abc123", "the instance's own group swiftlet-abc123"),
            ("a/swiftlet-abc123/pods", "the instance's own group"), ("", nil), ("/swiftlet-abc", nil),
            ("/swiftlet-abc1234/b", nil), ("/a/swiftlet-other1", "another instance's own group swiftlet-other1"),
            ("/a/swiftlet-other1/pods/x", "another instance's"), ("/swiftlet-system", nil),
            ("/swiftlet-other1", "is, by its name, in another instance's own group"),
            ("/swiftlet-other1/b", "by its name"),
            ("/swiftlet-system/swiftlet-other1", "by its name"),
            ("/swiftlet-pods.service", nil), ("/a", nil),
        ] {
            var configuration = DaemonConfiguration()
            configuration.cgroupParent = parent
            var told: String?
            do throws(DaemonError) {
                try NodePaths.checkParent(
                    configuration, "abc123", in: CgroupHierarchy(mountPoint: top, controllers: []))
            } catch {
                told = error.description
            }
            #expect(words.map { told?.contains($0) == true } ?? (told == nil), "\(parent): \(told ?? "taken")")
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
