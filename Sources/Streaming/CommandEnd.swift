import JSONTree

/// How a command ended, by the Status that closes its session.
package enum CommandEnd: Sendable, Hashable {
    case ended(exitCode: Int32)
    /// It did not come to run: why, and the exit code that a shell gives for that.
    case notStarted(String, exitCode: Int32)
    case failed(String)

    /// - Parameter status: JSON. Success is 0, else the code is among the causes.
    package init(_ status: [UInt8]) {
        guard let status = try? JSONValue(parsing: status) else {
            self = .failed(String(decoding: status, as: UTF8.self))
            return
        }
        let causes = status["details"]?["causes"]?.array ?? []
        func cause(_ reason: String) -> String? { causes.first { $0["reason"]?.string == reason }?["message"]?.string }
        if status["status"]?.string == "Success" {
            self = .ended(exitCode: 0)
        } else if let code = cause("ExitCode").flatMap({ Int32($0) }) {
            self = cause("StartFailure").map { .notStarted($0, exitCode: code) } ?? .ended(exitCode: code)
        } else {
            self = .failed(status["message"]?.string ?? "the session failed")
        }
    }
}
