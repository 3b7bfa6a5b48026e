import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

/// What a node refuses to run, in upstream's words.
@Suite struct AdmissionTests {
    private func sysctl(_ name: String, _ change: (inout Pod) -> Void = { _ in }) -> Pod {
        pod {
            $0.spec.securityContext = PodSecurityContext {
                $0.sysctls = [
                    Sysctl {
                        $0.name = name
                        $0.value = "1"
                    }
                ]
            }
            change(&$0)
        }
    }

    @Test func safeParametersAreAllowedAndOthersByName() throws {
        let strict = SysctlAllowlist()
        #expect(strict.fault(of: pod().spec) == nil)
        for name in ["net.ipv4.ip_unprivileged_port_start", "net/ipv4/tcp_syncookies", "kernel.shm_rmid_forced"] {
            #expect(strict.fault(of: sysctl(name).spec) == nil, "\(name)")
        }
        for name in ["kernel.msgmax", "net.core.somaxconn", "vm.swappiness", "kernel.shm_rmid_forced.x"] {
            #expect(strict.fault(of: sysctl(name).spec) == "forbidden sysctl: \"\(name)\" not allowlisted")
        }
        let open = try SysctlAllowlist("kernel.msg*, net.core.somaxconn")
        for name in ["kernel.msgmax", "kernel.msgmnb", "net.core.somaxconn"] {
            #expect(open.fault(of: sysctl(name).spec) == nil, "\(name)")
        }
        #expect(open.fault(of: sysctl("net.core.somaxconns").spec) != nil)
        #expect(throws: SysctlAllowlistError.self) { try SysctlAllowlist("vm.*") }
    }

    @Test func noPodSetsParametersOfNamespacesThatAreTheNodes() throws {
        let open = try SysctlAllowlist("kernel.msg*")
        let network = sysctl("net.ipv4.tcp_syncookies") { $0.spec.hostNetwork = true }
        #expect(open.fault(of: network.spec)?.hasSuffix("not allowed with host net enabled") == true)
        let interprocess = sysctl("kernel.msgmax") { $0.spec.hostIPC = true }
        #expect(open.fault(of: interprocess.spec)?.hasSuffix("not allowed with host ipc enabled") == true)
    }

    @Test func aPodWithAForbiddenParameterFails() throws {
        let refusal = try #require(PodTermination.refusal(of: sysctl("kernel.msgmax"), by: SysctlAllowlist()))
        var simulation = PodSimulation(sysctl("kernel.msgmax"))
        simulation.deliver(.terminated(refusal))
        #expect(simulation.log == ["ended"])
        #expect(simulation.status.phase == "Failed")
        #expect(simulation.status.reason == "SysctlForbidden")
        #expect(
            simulation.status.message == "Pod was rejected: forbidden sysctl: \"kernel.msgmax\" not allowlisted")
        #expect(simulation.events.contains("SysctlForbidden"))
        // One that ran before the setting was changed runs on.
        let known = sysctl("kernel.msgmax") { $0.status.startTime = .epoch }
        #expect(PodTermination.refusal(of: known, by: SysctlAllowlist()) == nil)
    }

    @Test func aKernelWithoutAppArmorRefusesWhatIsToBeConfinedByIt() throws {
        let profile = AppArmorProfile { $0.type = "RuntimeDefault" }
        let whole = pod { $0.spec.securityContext = PodSecurityContext { $0.appArmorProfile = profile } }
        let refusal = try #require(PodTermination.refusal(of: whole, hasAppArmor: false))
        var simulation = PodSimulation(whole)
        simulation.deliver(.terminated(refusal))
        #expect(simulation.status.phase == "Failed" && simulation.status.reason == "AppArmor")
        #expect(
            simulation.status.message
                == "Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host")
        let one = pod(["a"]) {
            $0.spec.containers[0].securityContext = SecurityContext { $0.appArmorProfile = profile }
        }
        #expect(PodTermination.refusal(of: one, hasAppArmor: false) != nil)
        let older = pod(["a"]) { $0.metadata.annotations = [Pod.appArmorAnnotation + "a": "localhost/mine"] }
        #expect(PodTermination.refusal(of: older, hasAppArmor: false) != nil)
        let unconfined = pod(["a"]) {
            $0.spec.securityContext = PodSecurityContext { $0.appArmorProfile = profile }
            $0.spec.containers[0].securityContext = SecurityContext {
                $0.appArmorProfile = AppArmorProfile { $0.type = "Unconfined" }
            }
        }
        for admitted in [unconfined, pod()] {
            #expect(PodTermination.refusal(of: admitted, hasAppArmor: false) == nil)
        }
        #expect(PodTermination.refusal(of: whole, hasAppArmor: true) == nil)
    }

    /// People are shown a container that waits rather than the reason, where there is one.
    @Test func aPodThatIsNotAdmittedTellsOfNoContainers() throws {
        var object = sysctl("kernel.msgmax") {
            $0.spec.initContainers = $0.spec.containers
            $0.spec.initContainers[0].name = "init"
        }
        let refusal = try #require(PodTermination.refusal(of: object, by: SysctlAllowlist()))
        var simulation = PodSimulation(object)
        simulation.deliver(.terminated(refusal))
        #expect(simulation.status.phase == "Failed")
        #expect(simulation.status.containerStatuses.isEmpty && simulation.status.initContainerStatuses.isEmpty)
        #expect(simulation.status.condition("Ready") == "False")
        // Nor does the next daemon.
        object.status = simulation.status
        var next = PodSimulation(object)
        next.look()
        #expect(next.status.containerStatuses.isEmpty && next.status.reason == "SysctlForbidden")
        // One that is ended before it ran was admitted.
        var admitted = PodSimulation(pod())
        admitted.deliver(.terminated(.eviction("", grace: .zero)))
        #expect(admitted.status.containerStatuses.count == 1)
    }

    @Test func nobodyRunsAsRootWhereThatIsForbidden() {
        func fault(_ user: Int64?, image: Int64?, named: String = "", isAsked: Bool = true) -> String? {
            let pod = pod {
                $0.spec.securityContext = PodSecurityContext { $0.runAsNonRoot = isAsked }
                $0.spec.containers[0].securityContext = SecurityContext { $0.runAsUser = user }
            }
            let image = Image(id: "i", tags: [], digests: [], size: 0, user: image, userName: named)
            return NonRootRule.fault(pod.spec.containers[0], of: pod, image: image)
        }
        let place = "(pod: \"p_default(u)\", container: a)"
        #expect(fault(nil, image: 0) == "container has runAsNonRoot and image will run as root \(place)")
        #expect(fault(nil, image: nil) == "container has runAsNonRoot and image will run as root \(place)")
        #expect(fault(0, image: 5) == "container's runAsUser breaks non-root policy \(place)")
        #expect(
            fault(nil, image: nil, named: "web")
                == "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root \(place)"
        )
        #expect(fault(5, image: 0) == nil)
        #expect(fault(nil, image: 5) == nil)
        #expect(fault(nil, image: 0, isAsked: false) == nil)
    }
}
