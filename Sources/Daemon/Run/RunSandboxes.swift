import CRI
import PodNetwork

/// How the sandboxes of `swiftlet run` are asked for.
struct RunSandboxes: Sendable {
    let runtime: any RuntimeService
    let network: PodNetwork
    let logs: RunLogs
    /// The service, as `namespace/name`, whose node port this is.
    let service: @Sendable (HostPort) -> String?

    /// - Throws: where a port that it publishes is another's.
    func config(of spec: RunSpec, uid: String) async throws(CRIError) -> PodSandboxConfig {
        for mapping in spec.ports { try await check(PortClaim(port: try HostPort(mapping))) }
        return spec.sandbox(
            uid: uid, logs: logs.path(of: uid), resolver: Machine.read("/etc/resolv.conf") ?? "",
            gateway: network.configuration.gateway.description)
    }

    private func check(_ claim: PortClaim) async throws(CRIError) {
        if let id = await network.holder(of: claim.port) {
            let sandboxes = try await runtime.listPodSandboxes(PodSandboxFilter())
            if let sandbox = sandboxes.first(where: { $0.id == id }) {
                throw claim.refusal(.container(sandbox.metadata, isSession: sandbox.sessionName != nil))
            }
        }
        if let name = service(claim.port) { throw claim.refusal(.service(name)) }
        if let holder = claim.process() { throw claim.refusal(holder) }
    }
}
