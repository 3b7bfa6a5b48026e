import Glibc
import Linux

/// Why a pod has no network.
package enum PodNetworkError: Error, Hashable, CustomStringConvertible {
    /// The configuration cannot work; the text says what to change.
    case invalid(String)
    /// All addresses of the node's pod network are taken.
    case exhausted(IPv4Network)
    /// The kernel refused a link, an address, a route or a rule.
    case kernel(sandbox: String?, NetlinkError)
    /// The kernel refused the pod network's table.
    case rules(NFTablesError)
    /// The state directory could not be read or written.
    case state(operation: String, path: String, code: CInt)

    package var description: String {
        switch self {
        case .invalid(let text):
            text
        case .exhausted(let network):
            "no free address in \(network): delete pods, or give the node a larger pod network"
        case .kernel(let sandbox?, let error):
            "network of sandbox \(sandbox): \(error)"
        case .kernel(nil, let error):
            "pod network: \(error)"
        case .rules(let error):
            "pod network: \(error)"
        case .state(let operation, let path, let code):
            "\(operation) \(path): \(String(cString: strerror(code))) (errno \(code))"
        }
    }
}
