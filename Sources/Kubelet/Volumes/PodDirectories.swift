/// Where the kubelet keeps a pod's files. Pure.
///
/// What must outlive a reboot (emptyDir on disk) is under the data directory; what comes from the API and may be secret is under the run
/// directory, which is memory on an ordinary host.
struct PodDirectories: Sendable, Hashable {
    let data: String
    let run: String

    func pod(_ uid: String) -> String { "\(data)/pods/\(uid)" }
    func volatilePod(_ uid: String) -> String { "\(run)/pods/\(uid)" }
    func emptyDirectory(_ uid: String, _ volume: String) -> String { "\(pod(uid))/volumes/\(volume)" }
    func files(_ uid: String, _ volume: String) -> String { "\(volatilePod(uid))/volumes/\(volume)" }
    func hosts(_ uid: String) -> String { "\(volatilePod(uid))/etc-hosts" }

    func terminationLog(_ uid: String, _ container: String, attempt: UInt32) -> String {
        "\(volatilePod(uid))/termination/\(container)-\(attempt)"
    }
}
