import Linux
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

    @Test func mountsAreOursInOurOwnDirectoriesOnly() {
        var configuration = DaemonConfiguration()
        configuration.dataDirectory = "/srv"
        configuration.runDirectory = "/run/s"
        #expect(
            OwnFiles.mountRoots(configuration) == ["/run/s/runtime", "/srv/runtime", "/run/s/kubelet", "/srv/kubelet"])
    }
}
