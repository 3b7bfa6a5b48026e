import Glibc
import Linux
import TestSupport
import Testing

@testable import Daemon

@Suite final class LogDirectoriesTests {
    private let root: String

    init() throws {
        var template = Array("\(temporaryDirectory)/swiftlet-logs-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw KernelError("mkdtemp", temporaryDirectory) }
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? TreeRemoval.remove(root) }

    private func configuration(logs: String) -> DaemonConfiguration {
        var configuration = DaemonConfiguration()
        (configuration.dataDirectory, configuration.runDirectory) = ("\(root)/d", "\(root)/r")
        configuration.logDirectory = "\(root)/\(logs)"
        return configuration
    }

    @Test func allThatADaemonHadAreKnownToOneThatIsToldNone() throws {
        try WholeFile.makeDirectories("\(root)/d")
        for logs in ["first", "second", "first"] { try LogDirectories.note(configuration(logs: logs)) }
        #expect(
            try LogDirectories.all(configuration(logs: "third"))
                == ["first", "second", "third"].map { "\(root)/\($0)" })
        for _ in 0..<2 {
            for number in 0..<70 { try LogDirectories.note(configuration(logs: "n\(number)")) }
        }
        #expect(try LogDirectories.all(configuration(logs: "n69")).count == 64)
    }

    @Test func podsLogsAreFoundInEach() throws {
        try WholeFile.makeDirectories("\(root)/d/kubelet/pods/uid-1")
        for path in ["first/default_web_uid-1", "first/other_pod_uid-2", "second/default_web_uid-1"] {
            try WholeFile.makeDirectories("\(root)/\(path)")
        }
        try LogDirectories.note(configuration(logs: "first"))
        let found = try OwnFiles.podLogs(configuration(logs: "second"))
        #expect(found == ["\(root)/first/default_web_uid-1", "\(root)/second/default_web_uid-1"])
    }
}
