import APIMachinery
import KubernetesAPI

@testable import Store

/// What must hold of a cluster that has come to rest, read from the disk and from the machines themselves. Each complaint names the object.
struct Audit {
    let pods: [Pod]
    let deployments: [Deployment]
    let sets: [ReplicaSet]
    let services: [Service]
    let slices: [EndpointSlice]
    let nodes: [Node]
    let machines: [Machine]
    let wishes: Wishes

    init(_ cluster: Cluster, _ wishes: Wishes) {
        let latest = cluster.disk.latest
        pods = StoredObject.all(Pod.self, in: latest)
        deployments = StoredObject.all(Deployment.self, in: latest)
        sets = StoredObject.all(ReplicaSet.self, in: latest)
        services = StoredObject.all(Service.self, in: latest)
        slices = StoredObject.all(EndpointSlice.self, in: latest)
        nodes = StoredObject.all(Node.self, in: latest)
        machines = cluster.nodes.map(\.machine)
        self.wishes = wishes
    }

    /// What is looked at each time.
    private static let invariants: [@Sendable (Audit) -> [String]] = [
        \.wishesHold, \.workloadsAreReady, \.podsRun, \.machinesRunNothingElse, \.ownersLive, \.endpointsAreTrue,
        \.nodesAreReady,
    ]

    static var invariantCount: Int { invariants.count }

    var complaints: [String] { Self.invariants.flatMap { $0(self) } }

    // MARK: - The user's objects

    private var wishesHold: [String] {
        var live: [String: ObjectMeta] = [:]
        for deployment in deployments { live["deployments/\(deployment.metadata.name)"] = deployment.metadata }
        for pod in pods { live["pods/\(pod.metadata.name)"] = pod.metadata }
        for service in services { live["services/\(service.metadata.name)"] = service.metadata }
        var complaints = wishes.keys.compactMap { key -> String? in
            let exists = wishes[key].exists
            if exists == [true], live[key] == nil { return "\(key) was acknowledged and is lost" }
            if exists == [false], live[key] != nil { return "\(key) was deleted and is still there" }
            return nil
        }
        for deployment in deployments {
            let key = "deployments/\(deployment.metadata.name)"
            let wish = wishes[key]
            if !wish.replicas.contains(deployment.spec.replicas) {
                complaints.append("\(key) has \(deployment.spec.replicas) replicas, told \(wish.replicas)")
            }
            let image = deployment.spec.template.spec.containers.first?.image ?? ""
            if !wish.images.contains(image) { complaints.append("\(key) has image \(image), told \(wish.images)") }
        }
        return complaints
    }

    private var workloadsAreReady: [String] {
        var complaints: [String] = []
        for deployment in deployments {
            let name = deployment.metadata.name
            let wanted = deployment.spec.replicas
            let status = deployment.status
            let counts = [status.replicas, status.readyReplicas, status.updatedReplicas, status.availableReplicas]
            if counts != [wanted, wanted, wanted, wanted] {
                complaints.append("deployment \(name) wants \(wanted), its status says \(counts)")
            }
            if status.observedGeneration != deployment.metadata.generation {
                complaints.append("deployment \(name): generation \(deployment.metadata.generation) is not observed")
            }
            let image = deployment.spec.template.spec.containers.first?.image
            for set in sets where set.metadata.controller?.uid == deployment.metadata.uid && set.spec.replicas > 0 {
                if set.spec.template.spec.containers.first?.image != image {
                    complaints.append("replica set \(set.metadata.name) of an older template has pods")
                }
            }
        }
        for set in sets {
            let own = pods.filter { $0.metadata.controller?.uid == set.metadata.uid }
            let ready = own.filter { $0.condition("Ready") == "True" }.count
            let name = set.metadata.name
            if own.count != Int(set.spec.replicas) || ready != own.count {
                complaints.append("replica set \(name) wants \(set.spec.replicas): \(own.count) pods, \(ready) ready")
            }
            if set.status.readyReplicas != set.spec.replicas || set.status.replicas != set.spec.replicas {
                complaints.append("replica set \(name) wants \(set.spec.replicas), its status says otherwise")
            }
        }
        return complaints
    }

    // MARK: - Pods and machines

    private var podsRun: [String] {
        pods.flatMap { pod -> [String] in
            let name = pod.metadata.name
            if pod.metadata.deletionTimestamp != nil { return ["pod \(name) is still being deleted"] }
            guard let node = pod.spec.nodeName, let machine = machines.first(where: { $0.name == node }) else {
                return ["pod \(name) has no node"]
            }
            let told = ExitAudit.unreported(in: pod, exits: machine.newestExits(of: pod.metadata.uid))
            return told.map { "pod \(name): \($0)" } + state(of: pod, on: machine).map { "pod \(name): \($0)" }
        }
    }

    private func state(of pod: Pod, on machine: Machine) -> [String] {
        let sandboxes = machine.ready.filter { $0.metadata.uid == pod.metadata.uid }
        let ids = Set(sandboxes.map(\.id))
        let running = machine.running.filter { ids.contains($0.sandbox) }
        let phase = pod.status.phase ?? ""
        if phase == "Succeeded" || phase == "Failed" {
            return running.isEmpty && sandboxes.isEmpty ? [] : ["\(phase), and something of it runs"]
        }
        guard phase == "Running", pod.condition("Ready") == "True" else { return ["\(phase), not ready"] }
        guard sandboxes.count == 1, running.count == pod.spec.containers.count else {
            return ["\(sandboxes.count) sandboxes and \(running.count) containers run"]
        }
        let told = pod.status.containerStatuses.compactMap(\.containerID).sorted()
        let there = running.map { "swiftlet://\($0.id)" }.sorted()
        if told != there { return ["told are \(told), there are \(there)"] }
        if pod.status.podIP != sandboxes[0].addresses.first { return ["its address is told wrong"] }
        return []
    }

    private var machinesRunNothingElse: [String] {
        machines.flatMap { machine -> [String] in
            let own = pods.filter { $0.spec.nodeName == machine.name }
            let uids = Set(own.map { $0.metadata.uid })
            let foreign = machine.runtime.sandboxes.filter { !uids.contains($0.metadata.uid) }
                .map { "\(machine.name) has sandbox \($0.id) of pod \($0.metadata.name), which is gone" }
            let files = machine.files.filter { !uids.contains($0) }
                .map { "\(machine.name) has files of pod \($0), which is gone" }
            return foreign + files.sorted()
        }
    }

    // MARK: - What hangs together

    private var ownersLive: [String] {
        let all: [(String, ObjectMeta)] =
            pods.map { ("pod", $0.metadata) } + sets.map { ("replica set", $0.metadata) }
            + slices.map { ("endpoint slice", $0.metadata) } + deployments.map { ("deployment", $0.metadata) }
            + services.map { ("service", $0.metadata) }
        let uids = Set(all.map { $0.1.uid })
        return all.flatMap { kind, metadata -> [String] in
            var complaints = metadata.ownerReferences.filter { !uids.contains($0.uid) }
                .map { "\(kind) \(metadata.name) belongs to \($0.kind) \($0.name), which is gone" }
            if metadata.deletionTimestamp != nil {
                complaints.append("\(kind) \(metadata.name) is still being deleted")
            }
            return complaints
        }
    }

    private var endpointsAreTrue: [String] {
        services.filter { !$0.spec.selector.isEmpty && $0.metadata.namespace == "default" }.compactMap { service in
            let name = service.metadata.name
            let wanted = pods.filter { pod in
                service.spec.selector.allSatisfy { pod.metadata.labels[$0.key] == $0.value }
                    && pod.condition("Ready") == "True"
            }
            let own = slices.filter { $0.metadata.labels["kubernetes.io/service-name"] == name }
            let ready = own.flatMap { $0.endpoints }.filter { $0.conditions.ready ?? true }
            let told = ready.compactMap { $0.targetRef?.uid }.sorted()
            let there = wanted.map { $0.metadata.uid }.sorted()
            return told == there ? nil : "service \(name) has \(told.count) endpoints, \(there.count) pods are ready"
        }
    }

    private var nodesAreReady: [String] {
        machines.compactMap { machine in
            guard let node = nodes.first(where: { $0.metadata.name == machine.name }) else {
                return "node \(machine.name) is not there"
            }
            let ready = node.status.conditions.first { $0.type == "Ready" }?.status
            return ready == "True" && node.spec.taints.isEmpty ? nil : "node \(machine.name) is not ready"
        }
    }
}

extension Pod {
    func condition(_ type: String) -> String? { self.status.conditions.first { $0.type == type }?.status }
}
