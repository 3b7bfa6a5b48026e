import CRI
import JSONTree

/// What went through pods' network interfaces. Pods on the host's network have none of their own.
extension NodeStats {
    /// The `network` of a pod in `/stats/summary`.
    func network(_ interfaces: [InterfaceStats]) -> JSONValue? {
        guard let first = interfaces.first, var object = first.json.object else { return nil }
        object["time"] = time.json
        object["interfaces"] = .array(interfaces.map(\.json))
        return .object(object)
    }

    /// Adds the families of `/metrics/cadvisor`.
    func addNetwork(to text: inout MetricsText) {
        for family in Self.networkFamilies {
            text.family("container_network_\(family.name)_total", "counter", family.help) { lines in
                for pod in pods {
                    let labels = [("container", ""), ("image", ""), ("name", "")] + pod.labels
                    for interface in pod.interfaces {
                        lines.add(String(family.value(interface)), labels + [("interface", interface.name)])
                    }
                }
            }
        }
    }

    private struct NetworkFamily: Sendable {
        var name: String
        var help: String
        var value: @Sendable (InterfaceStats) -> UInt64
    }

    private static let networkFamilies = [
        NetworkFamily(name: "receive_bytes", help: "Bytes received.") { $0.received.bytes },
        NetworkFamily(name: "receive_packets", help: "Packets received.") { $0.received.packets },
        NetworkFamily(name: "receive_errors", help: "Packets received with an error.") { $0.received.errors },
        NetworkFamily(name: "receive_packets_dropped", help: "Packets dropped on their way in.") {
            $0.received.dropped
        },
        NetworkFamily(name: "transmit_bytes", help: "Bytes sent.") { $0.sent.bytes },
        NetworkFamily(name: "transmit_packets", help: "Packets sent.") { $0.sent.packets },
        NetworkFamily(name: "transmit_errors", help: "Packets that could not be sent.") { $0.sent.errors },
        NetworkFamily(name: "transmit_packets_dropped", help: "Packets dropped on their way out.") { $0.sent.dropped },
    ]
}

extension InterfaceStats {
    fileprivate var json: JSONValue {
        [
            "name": .string(name), "rxBytes": .integer(Int64(clamping: received.bytes)),
            "rxErrors": .integer(Int64(clamping: received.errors)), "txBytes": .integer(Int64(clamping: sent.bytes)),
            "txErrors": .integer(Int64(clamping: sent.errors)),
        ]
    }
}
