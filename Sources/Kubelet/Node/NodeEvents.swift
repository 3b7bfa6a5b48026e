import Client
import KubernetesAPI

/// What a node's events tell, in upstream's words. Pure.
enum NodeEvents {
    static func starting(_ node: String) -> EventDraft {
        EventDraft(.node(node), .normal, reason: "Starting", message: "Starting kubelet.")
    }

    static func turned(_ pressure: NodePressure, _ isUnder: Bool, on node: String) -> EventDraft {
        said(pressure.eventReason(isUnder), of: node)
    }

    /// What a status says that the one before it did not. A pressure that turns is told by the evictor, which saw it; here is told what was not known before: of
    /// a new node, and of one that was given up.
    static func between(_ old: NodeStatus, _ new: NodeStatus, of node: String) -> [EventDraft] {
        var events: [EventDraft] = []
        let (before, now) = (old.nodeInfo.bootID, new.nodeInfo.bootID)
        if !before.isEmpty, before != now {
            events.append(
                EventDraft(
                    .node(node), .warning, reason: "Rebooted",
                    message: "Node \(node) has been rebooted, boot id: \(now)"))
        }
        for pressure in NodePressure.allCases where [nil, "Unknown"].contains(old.condition(pressure.rawValue)) {
            guard let status = new.condition(pressure.rawValue) else { continue }
            events.append(turned(pressure, status == "True", on: node))
        }
        // All pods' cgroup has its limits since before the node was ready.
        if old.condition("LimitsHeld") != "True", new.condition("LimitsHeld") == "True" {
            events.append(
                EventDraft(
                    .node(node), .normal, reason: "NodeAllocatableEnforced",
                    message: "Updated Node Allocatable limit across pods"))
        }
        if let ready = new.condition("Ready"), ready != old.condition("Ready") {
            events.append(said(ready == "True" ? "NodeReady" : "NodeNotReady", of: node))
        }
        return events
    }

    static func turned(isUnschedulable: Bool, on node: String) -> EventDraft {
        said(isUnschedulable ? "NodeNotSchedulable" : "NodeSchedulable", of: node)
    }

    private static func said(_ reason: String, of node: String) -> EventDraft {
        EventDraft(.node(node), .normal, reason: reason, message: "Node \(node) status is now: \(reason)")
    }
}

extension NodeStatus {
    /// `True`, `False` or `Unknown`; nil where there is no condition of this type.
    fileprivate func condition(_ type: String) -> String? {
        self.conditions.first { $0.type == type }?.status
    }
}
