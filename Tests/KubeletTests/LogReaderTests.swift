import APIMachinery
import Glibc
import HTTP
import Linux
import TestSupport
import Testing

@testable import Kubelet

@Suite struct LogReaderTests {
    private let threads = BlockingThreads(count: 1)
    private let directory: String
    private var path: String { directory + "/0.log" }

    init() throws {
        directory = "\(temporaryDirectory)/log-reader-\(getpid())-\(UInt32.random(in: .min ... .max))"
        try WholeFile.makeDirectories(directory)
    }

    private func append(_ text: String, to path: String) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        try WholeFile.write(Array("2026-01-01T00:00:00.000000000Z stdout F \(text)\n".utf8), to: file, path: path)
    }

    private func follower(until end: AsyncStream<Void>) throws -> LogReader {
        var options = LogOptions()
        options.isFollowing = true
        return LogReader(path: path, options: options, threads: threads, events: try EventThread()) {
            for await _ in end {}
        }
    }

    @Test(arguments: [
        (nil, false), ("0", false), ("false", false), ("False", false), ("FALSE", false), ("", true), ("1", true),
        ("true", true), ("True", true), ("yes", true), ("f", true), ("00", true),
    ])
    func whatIsAskedForIsReadAsKubernetesDoes(value: String?, expected: Bool) throws {
        let query = value.map { [QueryItem("follow", $0), QueryItem("timestamps", $0)] } ?? []
        let request = HTTPRequest(.get, "/containerLogs/n/p/c", query: query)
        let options = try LogOptions(request, now: Timestamp(seconds: 0))
        #expect(options.isFollowing == expected && options.hasTimestamps == expected)
        #expect(request.followsLog == expected)
    }

    @Test func theLastWordsOfALogAreItsEnd() throws {
        defer { try? TreeRemoval.remove(directory) }
        #expect(LogLine.lastWords(FileOperations.end(of: path, limit: 64 << 10)) == [])
        for number in 0..<2_000 { try append("line \(number)", to: path) }
        let words = String(decoding: LogLine.lastWords(FileOperations.end(of: path, limit: 64 << 10)), as: UTF8.self)
        #expect(words.split(separator: "\n") == (1920..<2_000).map { "line \($0)" })
        try append(String(repeating: "x", count: 5_000), to: path)
        let long = LogLine.lastWords(FileOperations.end(of: path, limit: 64 << 10))
        #expect(long == Array(String(repeating: "x", count: 2047).utf8) + [10])
    }

    private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    /// Nothing is written when it ends, so nothing in the directory tells the reader.
    @Test func followingEndsWithAContainerThatEndsInSilence() async throws {
        defer { try? TreeRemoval.remove(directory) }
        let (end, ending) = AsyncStream<Void>.makeStream()
        let reader = try follower(until: end)
        try append("one", to: path)
        try await reader.open()
        #expect(text(try await reader.next()) == "one\n")
        async let last = reader.next()
        ending.finish()
        #expect(try await last == nil)
        await reader.close()
    }

    /// What a pod can put there that has the logs' directory as its volume.
    @Test func onlyAFileIsALog() async throws {
        defer { try? TreeRemoval.remove(directory) }
        try append("secret", to: directory + "/other")
        let makers: [(String) -> Int32] = [
            { mkfifo($0, 0o600) }, { symlink(directory + "/other", $0) }, { mkdir($0, 0o700) },
        ]
        for make in makers {
            #expect(make(path) == 0)
            let reader = LogReader(path: path, options: LogOptions(), threads: threads, events: try EventThread()) {}
            await #expect(throws: KernelError.self) { try await reader.open() }
            #expect(
                FileOperations.end(of: path, limit: 4_096).isEmpty && FileOperations.read(path, limit: 9) ?? [] == [])
            try TreeRemoval.remove(path)
        }
    }

    @Test func aRotationLosesNothing() async throws {
        defer { try? TreeRemoval.remove(directory) }
        let (end, ending) = AsyncStream<Void>.makeStream()
        let reader = try follower(until: end)
        try append("one", to: path)
        try await reader.open()
        #expect(text(try await reader.next()) == "one\n")
        try append("two", to: path)
        #expect(rename(path, path + ".1") == 0)
        try append("three", to: path)
        ending.finish()
        var rest = ""
        while let bytes = try await reader.next() { rest += String(decoding: bytes, as: UTF8.self) }
        #expect(rest == "two\nthree\n")
        await reader.close()
    }
}
