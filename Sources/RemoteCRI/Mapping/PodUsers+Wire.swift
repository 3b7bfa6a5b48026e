import CRI
import Protobuf

extension PodUsers {
    /// nil where the pod is to have the node's users.
    init?(_ wire: Message<Wire.UserNamespace>) throws(CRIError) {
        switch wire.mode {
        case .node: return nil
        case .container, .target: throw .invalid("userns_options: the mode must be POD or NODE")
        case .pod: break
        }
        // What asks for nothing is a kubelet that knows of no user namespaces.
        if wire.uids.isEmpty && wire.gids.isEmpty { return nil }
        self.init(
            users: try Range(wire.uids, "userns_options.uids"), groups: try Range(wire.gids, "userns_options.gids"))
    }

    var wire: Message<Wire.UserNamespace> {
        Message {
            $0.mode = .pod
            $0.uids = [users.wire]
            $0.gids = [groups.wire]
        }
    }
}

extension PodUsers.Range {
    /// Processes that are nobody's need this one.
    private static let nobody: UInt32 = 65_534

    init(_ maps: [Message<Wire.IDMapping>], _ field: String) throws(CRIError) {
        guard maps.count == 1, let map = maps.first, map.containerID == 0 else {
            throw .invalid("\(field): there must be one mapping, and it must begin at the container's 0")
        }
        guard map.length > Self.nobody else {
            throw .invalid("\(field): a pod needs the ids up to \(Self.nobody); map 65536 or a multiple of it")
        }
        guard map.hostID > 0, !map.hostID.addingReportingOverflow(map.length).overflow else {
            throw .invalid("\(field): the node's ids must be from 1 to 4294967294")
        }
        self.init(first: map.hostID, count: map.length)
    }

    var wire: Message<Wire.IDMapping> {
        Message {
            $0.hostID = first
            $0.length = count
        }
    }
}
