import APIMachinery
import JSONTree

extension Pod {
    mutating func prepare(_ old: Pod?) {
        guard old == nil else { return }
        var status = PodStatus()
        status.phase = "Pending"
        status.qosClass = self.spec.serviceClass.rawValue
        if !self.spec.schedulingGates.isEmpty {
            status.conditions = [
                PodCondition {
                    $0.type = "PodScheduled"
                    $0.status = "False"
                    $0.reason = "SchedulingGated"
                    $0.message = "Scheduling is blocked due to non-empty scheduling gates"
                }
            ]
        }
        self.status = status
    }

    mutating func complete() {
        var spec = self.spec
        spec.completeForPod()
        self.spec = spec
    }
}

extension PodTemplateSpec {
    mutating func complete() {
        var spec = self.spec
        spec.complete()
        self.spec = spec
    }
}

extension Deployment {
    mutating func complete() {
        var spec = self.spec
        spec.template.complete()
        if spec.strategy.type == "RollingUpdate" {
            var bounds = spec.strategy.rollingUpdate ?? RollingUpdateDeployment()
            bounds.maxSurge = bounds.maxSurge
            bounds.maxUnavailable = bounds.maxUnavailable
            spec.strategy.rollingUpdate = bounds
        }
        self.spec = spec
    }
}

extension ReplicaSet {
    mutating func complete() {
        var spec = self.spec
        spec.template.complete()
        self.spec = spec
    }
}

extension Node {
    /// podCIDR and podCIDRs say the same. A node that does not say what is left for pods leaves them all it has.
    mutating func complete() {
        if let first = self.spec.podCIDR, !first.isEmpty, self.spec.podCIDRs.isEmpty { self.spec.podCIDRs = [first] }
        if self.spec.podCIDR ?? "" == "", let first = self.spec.podCIDRs.first { self.spec.podCIDR = first }
        let status = storage["status"]
        if status?["allocatable"] == nil, let capacity = status?["capacity"]?.object {
            self.status.storage["allocatable"] = .object(capacity)
        }
    }
}

extension Secret {
    /// Text given as `stringData` becomes data.
    mutating func complete() {
        guard let texts = storage["stringData"]?.object else { return }
        var data = storage["data"]?.object ?? JSONObject()
        for text in texts.members {
            data[text.key] = text.value.string.map { Bytes($0.utf8).json }
        }
        storage["data"] = .object(data)
        storage["stringData"] = nil
    }
}

extension Namespace {
    /// Finalizers change through the finalize subresource alone.
    mutating func prepare(_ old: Namespace?) {
        if let old {
            self.spec.finalizers = old.spec.finalizers
            return
        }
        if !self.spec.finalizers.contains("kubernetes") { self.spec.finalizers.append("kubernetes") }
        self.status.phase = "Active"
    }

    /// Names the namespace by a label, so that selectors can tell it.
    mutating func complete() {
        guard !self.metadata.name.isEmpty else { return }
        self.metadata.labels["kubernetes.io/metadata.name"] = self.metadata.name
    }
}
