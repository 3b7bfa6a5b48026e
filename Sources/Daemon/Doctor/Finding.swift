import ContainerRuntime
import JSONTree
import PodNetwork

/// One thing that is not as it must be: what, what follows from it, and what mends it.
package struct Finding: Sendable, Hashable {
    enum Kind: String, Sendable {
        case process, cgroup, mount, link, rule, address, file, pod, exit, monitor, store
    }

    /// What `--fix` does.
    enum Remedy: Sendable, Hashable {
        case clear(Leftover)
        /// The same of what is a sandbox's: a daemon that runs does it, which knows what has been made ready again meanwhile.
        case clearStray(Leftover)
        case clearNetwork(NetworkLeftover)
        case removeFiles(String)
        /// The kubelet makes it anew where its pod still is.
        case stopSandbox(String)
        case takeUpExits
        case acceptRevision(Int64)
        /// Nothing: the text says what a person can do.
        case none(String)
    }

    let kind: Kind
    /// A path, a name or an address; with the kind it says which finding this is.
    let object: String
    let problem: String
    let consequence: String
    let remedy: Remedy

    /// Whether two looks have found the same.
    func isSame(as other: Finding) -> Bool { kind == other.kind && object == other.object }

    var json: JSONValue {
        [
            "kind": .string(kind.rawValue), "object": .string(object), "problem": .string(problem),
            "consequence": .string(consequence), "remedy": .string(remedy.description),
        ]
    }
}

extension Finding.Remedy: CustomStringConvertible {
    var description: String {
        switch self {
        case .clear(let leftover), .clearStray(let leftover):
            switch leftover.kind {
            case .mount: "--fix unmounts it"
            case .cgroup: "--fix kills what is in it and removes it"
            case .process, .directory: "--fix removes it"
            }
        case .removeFiles: "--fix removes it"
        case .clearNetwork(.link): "--fix deletes the link"
        case .clearNetwork(.table): "--fix deletes the table"
        case .clearNetwork(.address): "--fix frees the address"
        case .clearNetwork(.forward): "--fix makes the table anew; so does the daemon's start"
        case .stopSandbox: "--fix stops the sandbox; the node makes it anew where the pod still is"
        case .takeUpExits: "--fix asks the monitor and reports the end"
        case .acceptRevision(let revision): "--fix takes \(revision) for right from now on"
        case .none(let text): text
        }
    }
}
