import ContainerRuntime
import Glibc
import PodMonitor
import PodNetwork
import Store

/// Stops this process at the place that a file names, once: whoever wrote the file sees that the process is stopped, does its harm, and lets it go on.
struct Holds: Sendable {
    let file: String

    /// Every place, with the part that comes there before its dot.
    static var places: [String] {
        let store: [StorePoint] = [.batchInserted, .batchCommitted, .batchPublished, .batchAcknowledged]
        return RuntimePoint.allCases.map { "runtime.\($0.rawValue)" }
            + NetworkPoint.allCases.map { "network.\($0.rawValue)" } + MonitorPoint.allCases.map { "\($0.name)" }
            + store.map { "store.\($0.rawValue)" } + ["kubelet.seen", "kubelet.status", "kubelet.removed"]
    }

    func reach(_ place: String) {
        // To this thread: it does not pass the place before the process has stopped.
        if take({ $0 == place }) != nil { raise(SIGSTOP) }
    }

    /// A place in a monitor is held by the next monitor that is made.
    func monitorEnvironment() -> [String] {
        take { $0.hasPrefix("monitor.") }.map { ["SWIFTLET_HOLD=\($0)"] } ?? []
    }

    /// The file's word, where it is meant; whoever removes the file has it.
    private func take(_ isMeant: (String) -> Bool) -> String? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(descriptor, &bytes, bytes.count)
        let place = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        return isMeant(place) && unlink(file) == 0 ? place : nil
    }
}
