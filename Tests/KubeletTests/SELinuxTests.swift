import APIMachinery
import CRI
import KubernetesAPI
import Linux
import Testing

@testable import Kubelet

@Suite struct SELinuxTests {
    private typealias Options = KubernetesAPI.SELinuxOptions

    @Test func theContainersOptionsAreTakenWhole() {
        let pod = PodSecurityContext {
            $0.seLinuxOptions = Options {
                $0.type = "web"
                $0.level = "s0:c1"
            }
        }
        let own = SecurityContext { $0.seLinuxOptions = Options { $0.type = "db" } }
        #expect(ContainerSecurity(nil, pod: pod).selinux == CRI.SELinuxOptions(type: "web", level: "s0:c1"))
        #expect(ContainerSecurity(own, pod: pod).selinux == CRI.SELinuxOptions(type: "db"))
        #expect(ContainerSecurity(SecurityContext { $0.seLinuxOptions = Options() }, pod: nil).selinux == nil)
    }

    @Test func whatIsMadeForAPodGetsItsLabel() throws {
        let host = VolumeHost(directories: PodDirectories(data: "/d", run: "/r"), threads: BlockingThreads(count: 1))
        let volumes = [
            Volume {
                $0.name = "empty"
                $0.emptyDir = EmptyDirVolumeSource()
            },
            Volume {
                $0.name = "configuration"
                $0.configMap = ConfigMapVolumeSource { $0.name = "c" }
            },
            Volume {
                $0.name = "host"
                $0.hostPath = HostPathVolumeSource { $0.path = "/srv" }
            },
            Volume {
                $0.name = "image"
                $0.image = ImageVolumeSource { $0.reference = "model:1" }
            },
        ]
        let pod = Pod(name: "p", namespace: "default") { $0.spec.volumes = volumes }
        let container = Container { container in
            container.volumeMounts = volumes.map { volume in
                VolumeMount {
                    $0.name = volume.name
                    $0.mountPath = "/" + volume.name
                }
            }
        }
        let mounts = try host.mounts(of: container, pod, environment: [:])
        #expect(mounts.map(\.isRelabelled) == [true, true, false, false])
    }
}
