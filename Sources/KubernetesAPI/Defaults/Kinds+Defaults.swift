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
    /// Names the namespace by a label, so that selectors can tell it. Finalizers change through the finalize subresource alone.
    mutating func prepare(_ old: Namespace?) {
        self.spec.finalizers = old?.spec.finalizers ?? ["kubernetes"]
        if old == nil { self.status.phase = "Active" }
    }

    mutating func complete() {
        guard !self.metadata.name.isEmpty else { return }
        self.metadata.labels["kubernetes.io/metadata.name"] = self.metadata.name
    }
}
