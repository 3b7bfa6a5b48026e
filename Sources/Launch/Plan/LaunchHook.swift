import CLaunch
import Glibc

/// A program that a container runs on its way to its own, and which is killed where the container or its monitor ends.
package struct LaunchHook: Sendable, Hashable {
    package enum Station: UInt32, Sendable {
        /// The mounts are made and the host is still in sight: its file is the host's.
        case createContainer = 0
        /// In the place of the container's program, and with its rights.
        case startContainer = 1
    }

    package var station: Station
    /// Absolute.
    package var path: String
    /// With the program's name first; empty: the path alone.
    package var arguments: [String]
    /// `NAME=value`; nil: that of the container's program for `startContainer`, else none.
    package var environment: [String]?
    /// Seconds; nil: it may take for ever.
    package var timeout: Int64?

    package init(
        _ station: Station, path: String, arguments: [String] = [], environment: [String]? = nil, timeout: Int64? = nil
    ) {
        self.station = station
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.timeout = timeout
    }

    func encode(_ records: inout PlanRecords) throws(KernelError) {
        let strings = [path] + arguments + (environment ?? [])
        let inherits = environment == nil && station == .startContainer
        for string in strings { try PlanRecords.check(string) }
        records.add(CL_RECORD_HOOK) {
            $0.append(station.rawValue)
            $0.append(timeout.map { Int32(clamping: min($0, Int64(Int32.max)) * 1000) } ?? -1)
            $0.append(UInt32(arguments.count))
            $0.append(inherits ? UInt32.max : UInt32(environment?.count ?? 0))
            for string in strings { $0.append(string) }
        }
    }

    /// The beginning of what one has said, as one line for messages.
    package static func line(of said: some Collection<UInt8>) -> String {
        String(decoding: said, as: UTF8.self).split { $0.isNewline }.joined(separator: "; ").printable
    }
}

/// What hooks are told of their container.
package struct HookBundle: Sendable, Equatable {
    /// On the host, with a `config.json`.
    package var directory: String
    /// A directory, where the container's root is while `createContainer` hooks run.
    package var root: String
    /// The runtime specification's state as JSON, without `status`, `pid` and the last brace; less than `stateLimit` bytes.
    package var state: String

    package static let stateLimit = Int(CL_MAX_STATE)

    package init(directory: String, root: String, state: String) {
        self.directory = directory
        self.root = root
        self.state = state
    }
}
