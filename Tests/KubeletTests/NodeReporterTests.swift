import APIMachinery
import Client
import HTTP
import JSONTree
import KubernetesAPI
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

@Suite struct NodeReporterTests {
    /// The node controller says Unknown of a node that it did not hear of for a while.
    @Test func aNodeThatWasGivenUpIsReadyAgainAtTheNextLook() async throws {
        let stored = Mutex<Node?>(nil)
        let handler = FakeHTTPHandler { request throws(HTTPError) in
            guard request.path.contains("/nodes") else {
                return HTTPResponse(200, contentType: "application/json", Lease(name: "n").json.encoded())
            }
            if let sent = (try? JSONValue(parsing: request.body)).flatMap({ try? Node(checking: $0) }) {
                stored.withLock { $0 = sent }
            }
            guard let node = stored.withLock({ $0 }) else {
                let status = Status.notFound(ResourceName("nodes"), "n")
                return HTTPResponse(404, contentType: "application/json", status.json.encoded())
            }
            return HTTPResponse(200, contentType: "application/json", node.json.encoded())
        }
        let time = ManualTime()
        let work = Task { await reporter(handler, time).run() }
        func ready() -> String? {
            stored.withLock { $0?.status.conditions.first { $0.type == "Ready" }?.status }
        }
        await time.waitForSleepers(2)
        #expect(ready() == "True")
        let writes = handler.requests.filter { $0.method == .put && $0.path.hasSuffix("/status") }.count
        time.advance(by: .seconds(10))
        await time.waitForSleepers(2)
        #expect(handler.requests.filter { $0.method == .put && $0.path.hasSuffix("/status") }.count == writes)
        stored.withLock { node in
            node?.status.conditions = [
                NodeCondition {
                    $0.type = "Ready"
                    $0.status = "Unknown"
                }
            ]
        }
        time.advance(by: .seconds(10))
        await time.waitForSleepers(2)
        #expect(ready() == "True")
        work.cancel()
        await work.value
    }

    /// What the API server could not keep it may show all the same: the node goes on until it is kept.
    @Test func aStatusThatWasNotKeptIsWrittenAgain() async throws {
        let stored = Mutex(Node(name: "n"))
        let refuses = Mutex(true)
        let handler = FakeHTTPHandler { request throws(HTTPError) in
            guard request.path.contains("/nodes") else {
                return HTTPResponse(200, contentType: "application/json", Lease(name: "n").json.encoded())
            }
            if let sent = (try? JSONValue(parsing: request.body)).flatMap({ try? Node(checking: $0) }) {
                stored.withLock { $0 = sent }
                if refuses.withLock({ $0 }), request.path.hasSuffix("/status") {
                    let status = Status.timeout("the disk takes no writes")
                    return HTTPResponse(504, contentType: "application/json", status.json.encoded())
                }
            }
            return HTTPResponse(
                200, contentType: "application/json", stored.withLock { $0 }.json.encoded())
        }
        let time = ManualTime()
        let work = Task { await reporter(handler, time).run() }
        func writes() -> Int { handler.requests.filter { $0.method == .put && $0.path.hasSuffix("/status") }.count }
        await time.waitForSleepers(2)
        #expect(writes() == 1)
        for count in 2...3 {
            if count == 3 { refuses.withLock { $0 = false } }
            time.advance(by: .seconds(1))
            await time.waitForSleepers(2)
            #expect(writes() == count)
        }
        time.advance(by: .seconds(10))
        await time.waitForSleepers(2)
        #expect(writes() == 3)
        work.cancel()
        await work.value
    }

    /// Controllers give a new node its network and its taints at the same moment.
    @Test func aReportThatMeetsAnotherWriterIsWrittenOnTopOfIt() async throws {
        let conflicts = Mutex(2)
        let handler = FakeHTTPHandler { request throws(HTTPError) in
            let meetsAnother = conflicts.withLock { left in
                guard request.path.hasSuffix("/status"), left > 0 else { return false }
                left -= 1
                return true
            }
            let stale = Status.staleResourceVersion(ResourceName("nodes"), "n")
            let answer = meetsAnother ? stale.json : Node(name: "n").json
            return HTTPResponse(meetsAnother ? 409 : 200, contentType: "application/json", answer.encoded())
        }
        #expect(try await reporter(handler, ManualTime()).report(isDue: true))
        #expect(handler.requests.filter { $0.path.hasSuffix("/status") }.count == 3)
        conflicts.withLock { $0 = .max }
        let error = await #expect(throws: Status.self) {
            try await reporter(handler, ManualTime()).report(isDue: true)
        }
        #expect(error?.isReason(.conflict) == true)
    }

    private func reporter(_ handler: FakeHTTPHandler, _ time: ManualTime) -> NodeReporter {
        let facts = NodeFacts(
            cpuMilli: 1, memoryBytes: 1 << 20, diskBytes: 1 << 20, maximumPods: 1, architecture: "amd64",
            kernelVersion: "6", operatingSystem: "o", bootID: "b", machineID: "m", runtimeVersion: "r",
            kubeletVersion: "k", hostname: "n")
        return NodeReporter(
            object: NodeObject(identity: NodeIdentity(name: "n", addresses: ["192.0.2.1"]), facts: facts),
            client: APIClient(handler: handler, userAgent: "kubelet"), runtime: FakeRuntimeService(),
            images: FakeImageService(), time: time, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}
