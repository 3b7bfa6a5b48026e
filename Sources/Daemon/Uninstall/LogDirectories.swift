import Glibc
import Linux

/// The directories that an instance has had for its pods' logs: a daemon may be started with another `log-dir` each time, and what looks for the logs
/// afterwards is not told. A line each, in the data directory.
enum LogDirectories {
    static let name = "log-directories"
    /// Beyond so many the oldest are forgotten.
    private static let limit = 64

    /// The configured one, and all that were noted.
    static func all(_ configuration: DaemonConfiguration) throws(KernelError) -> [String] {
        let noted = try noted(configuration)
        return noted.contains(configuration.logDirectory) ? noted : noted + [configuration.logDirectory]
    }

    /// Keeps the configured one in mind, durably: before anything is written to it.
    static func note(_ configuration: DaemonConfiguration) throws(KernelError) {
        let all = try all(configuration)
        guard try noted(configuration) != all else { return }
        let text = all.suffix(limit).map { $0 + "\n" }.joined()
        try WholeFile.replace(path(configuration), with: Array(text.utf8), mode: 0o644, durable: true)
    }

    private static func noted(_ configuration: DaemonConfiguration) throws(KernelError) -> [String] {
        do throws(KernelError) {
            let text = String(decoding: try WholeFile.read(path(configuration)), as: UTF8.self)
            return text.split(separator: "\n").map(String.init).filter { $0.hasPrefix("/") }
        } catch  where error.code == ENOENT || error.code == ENOTDIR {
            return []
        }
    }

    private static func path(_ configuration: DaemonConfiguration) -> String {
        "\(configuration.dataDirectory)/\(name)"
    }
}
