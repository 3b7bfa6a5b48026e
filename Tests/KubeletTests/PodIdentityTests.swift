import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct HostNameTests {
    @Test func anOverrideIsTheNameAsItIs() {
        let executor = DirectoryFixture().executor
        let own = pod {
            $0.spec.hostname = "web"
            $0.spec.subdomain = "sites"
            $0.spec.hostnameOverride = "one.of.many"
        }
        #expect(executor.hostNames(of: own) == ["one.of.many"])
        #expect(executor.sandboxConfig(own, attempt: 0, users: nil).hostname == "one.of.many")
        let plain = pod { $0.spec.hostname = "web" }
        #expect(executor.sandboxConfig(plain, attempt: 0, users: nil).hostname == "web")
    }
}

@Suite struct DownwardAnnotationTests {
    @Test func aPodIsToldWhereTheNodeHasItFrom() {
        var pod = pod { $0.metadata.annotations = ["a": "b"] }
        let one = "metadata.annotations['kubernetes.io/config.source']"
        #expect(pod.metadata.downwardValue("metadata.annotations") == "a=\"b\"\nkubernetes.io/config.source=\"api\"")
        #expect(pod.metadata.downwardValue(one) == "api")
        pod.metadata.annotations[StaticPodAnnotation.source] = "file"
        #expect(pod.metadata.downwardValue(one) == "file")
        #expect(pod.metadata.downwardValue("metadata.annotations['c']") == "")
    }
}
