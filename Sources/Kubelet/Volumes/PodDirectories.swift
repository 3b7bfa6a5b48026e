import APIMachinery
import KubernetesAPI

/// Where the kubelet keeps a pod's files. Pure.
///
/// What must outlive a reboot (emptyDir on disk) is under the data directory; what comes from the API and may be secret is under the run
/// directory, which is memory on an ordinary host.
struct PodDirectories: Sendable, Hashable {
    let data: String
    let run: String

    func pod(_ uid: String) -> String { "\(data)/pods/\(uid)" }
    var volatilePods: String { "\(run)/pods" }
    func volatilePod(_ uid: String) -> String { "\(volatilePods)/\(uid)" }
    /// Which range of the node's users a pod has as its own. Worthless after a reboot: files on disk have the pod's own numbers.
    func users(_ uid: String) -> String { "\(volatilePod(uid))/users" }
    /// The two directories that hold all volumes of a pod.
    func volumes(_ uid: String) -> [String] { ["\(pod(uid))/volumes", "\(volatilePod(uid))/volumes"] }
    func emptyDirectory(_ uid: String, _ volume: String) -> String { "\(pod(uid))/volumes/\(volume)" }
    func files(_ uid: String, _ volume: String) -> String { "\(volatilePod(uid))/volumes/\(volume)" }
    /// Where a path within a volume is bound for a container.
    func subPaths(_ uid: String, _ container: String) -> String { "\(volatilePod(uid))/subpaths/\(container)" }
    /// A file system in memory, with a bound: the files that containers may write to, so that they fill nothing of the node's.
    func written(_ uid: String) -> String { "\(volatilePod(uid))/written" }
    func hosts(_ uid: String) -> String { "\(written(uid))/etc-hosts" }

    /// `/var/log/pods/NAMESPACE_NAME_UID`, with one directory a container.
    static func logs(of pod: Pod, in root: String) -> String {
        "\(root)/\(pod.metadata.namespace)_\(pod.metadata.name)_\(pod.metadata.uid)"
    }

    func terminationLog(_ uid: String, _ container: String, attempt: UInt32) -> String {
        "\(written(uid))/termination/\(container)-\(attempt)"
    }
}
