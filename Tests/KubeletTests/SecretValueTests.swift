import APIMachinery
import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct SecretValueTests {
    private func values(_ container: Container) throws(ContainerConfigError) -> [String: String] {
        var data = ReferencedData()
        data.add(
            Secret(name: "s", namespace: "default") {
                $0.data = ["text": Bytes("t".utf8), "raw": Bytes([0xff, 0x00])]
            })
        return try ContainerEnvironment(
            pod: pod(), container: container, node: NodeIdentity(name: "n", addresses: []), data: data,
            podAddresses: [], services: [], allocatable: [:]
        ).program().values
    }

    private func container(_ key: String, optional: Bool = false) -> Container {
        let source = EnvVarSource {
            $0.secretKeyRef = SecretKeySelector {
                $0.name = "s"
                $0.key = key
                $0.optional = optional
            }
        }
        let variable = EnvVar {
            $0.name = "X"
            $0.valueFrom = source
        }
        return Container { $0.env = [variable] }
    }

    @Test(arguments: [false, true]) func whatIsNoTextIsNotCalledMissing(optional: Bool) throws {
        #expect(try values(container("text", optional: optional)) == ["X": "t"])
        #expect(throws: ContainerConfigError(message: "the value of key raw in secret \"s\" is no UTF-8")) {
            try values(container("raw", optional: optional))
        }
    }

    @Test func whatIsMissingIs() throws {
        #expect(throws: ContainerConfigError(message: "couldn't find key nope in secret \"s\"")) {
            try values(container("nope"))
        }
        #expect(try values(container("nope", optional: true)) == [:])
    }

    @Test func whatNoProgramCanBeGivenIsRefused() throws {
        let cut = EnvVar {
            $0.name = "X"
            $0.value = "a\0b"
        }
        let fault = #expect(throws: ContainerConfigError.self) { try values(Container { $0.env = [cut] }) }
        #expect(fault?.message == "the value of environment variable X has a NUL byte, which no program can be given")
    }

    @Test func aWholeSecretIsTakenAsFarAsItIsText() throws {
        let source = EnvFromSource { $0.secretRef = SecretEnvSource { $0.name = "s" } }
        #expect(try values(Container { $0.envFrom = [source] }) == ["text": "t"])
    }
}
