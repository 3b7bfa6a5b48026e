import Glibc
import KubernetesAPI
import Linux
import TestSupport
import Testing

@testable import Kubelet

@Suite struct HostsFileTests {
    private func text(_ pod: Pod, node: String = "/nowhere") -> String {
        let names = ["web.sub.default.svc.cluster.local", "web"]
        return String(
            decoding: HostsFile.bytes(of: pod, addresses: ["10.42.0.2"], hostNames: names, node: node), as: UTF8.self)
    }

    private func aliased(onNode: Bool = false) -> Pod {
        pod {
            $0.spec.hostNetwork = onNode
            $0.spec.hostAliases = [
                HostAlias {
                    $0.ip = "192.0.2.7"
                    $0.hostnames = ["one", "two"]
                }
            ]
        }
    }

    @Test func aSubdomainAndAliasesStandInTheHostsFile() {
        let text = text(aliased())
        #expect(text.hasPrefix("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"))
        #expect(
            text.hasSuffix(
                "\n10.42.0.2\tweb.sub.default.svc.cluster.local\tweb\n\n# Entries added by HostAliases.\n192.0.2.7\tone\ttwo\n"
            ))
        #expect(!self.text(pod()).contains("HostAliases"))
    }

    @Test func aPodOnTheNodesNetworkHasTheNodesNamesAndItsAliases() throws {
        let path = "\(temporaryDirectory)/hosts-\(UInt32.random(in: .min ... .max))"
        defer { unlink(path) }
        try WholeFile.replace(path, with: Array("192.0.2.1 node".utf8), mode: 0o644, durable: false)
        #expect(
            text(aliased(onNode: true), node: path)
                == "# Kubernetes-managed hosts file (host network).\n192.0.2.1 node\n\n# Entries added by HostAliases.\n192.0.2.7\tone\ttwo\n"
        )
    }
}
