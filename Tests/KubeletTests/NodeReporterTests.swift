import APIMachinery
import CRI
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

    /// In upstream's words, as `kubectl describe node` shows them.
    @Test func whatTurnsIsTold() {
        var pressures: Set<NodePressure> = []
        func status(_ old: NodeStatus, boot: String = "1", runtime: RuntimeStatus?) -> (NodeStatus, [String]) {
            let reporter = reporter(
                FakeHTTPHandler { _ throws(HTTPError) in HTTPResponse(200) }, ManualTime(), boot: boot)
            let new = reporter.object.status(old, runtime: runtime, images: [], pressures: pressures, at: .epoch)
            let events = NodeEvents.between(old, new, of: "n")
            #expect(events.allSatisfy { $0.object.kind == "Node" && $0.object.uid == "n" })
            return (new, events.map(\.reason))
        }
        let up = RuntimeStatus(conditions: [
            .init(type: "RuntimeReady", isTrue: true), .init(type: "LimitsHeld", isTrue: true),
        ])
        var (now, told) = status(Node(name: "n").status, runtime: up)
        let pressed = ["NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID"]
        #expect(told == pressed + ["NodeAllocatableEnforced", "NodeReady"])
        (now, told) = status(now, runtime: up)
        #expect(told == [])
        (now, told) = status(now, runtime: nil)
        #expect(told == ["NodeNotReady"])
        (now, told) = status(now, boot: "2", runtime: up)
        #expect(told == ["Rebooted", "NodeReady"])
        // The evictor tells it.
        pressures = [.memory]
        (now, told) = status(now, boot: "2", runtime: up)
        #expect(told == [])
        // As the node controller leaves a node that it gave up.
        var conditions = now.conditions
        for index in conditions.indices where conditions[index].type != "LimitsHeld" {
            conditions[index].status = "Unknown"
        }
        now.conditions = conditions
        (now, told) = status(now, boot: "2", runtime: up)
        #expect(told == ["NodeHasInsufficientMemory"] + pressed.dropFirst() + ["NodeReady"])
    }

    /// Nothing is told before the API server has it.
    @Test func aReportTellsWhatItHasWritten() async throws {
        let refuses = Mutex(true)
        let handler = FakeHTTPHandler { request throws(HTTPError) in
            guard request.path.hasSuffix("/status"), refuses.withLock({ $0 }) else {
                return HTTPResponse(200, contentType: "application/json", Node(name: "n").json.encoded())
            }
            let status = Status.timeout("the disk takes no writes")
            return HTTPResponse(504, contentType: "application/json", status.json.encoded())
        }
        let told = Mutex<[String]>([])
        var reporter = reporter(handler, ManualTime())
        reporter.tell = { event in told.withLock { $0.append(event.reason) } }
        _ = try? await reporter.report()
        #expect(told.withLock { $0 } == [])
        refuses.withLock { $0 = false }
        #expect(try await reporter.report())
        #expect(told.withLock { $0.last } == "NodeReady")
    }

    @Test func aCordonIsToldWhenItIsSetAndWhenItIsTaken() async throws {
        let isUnschedulable = Mutex(false)
        let handler = FakeHTTPHandler { _ throws(HTTPError) in
            let node = Node(name: "n") { $0.spec.unschedulable = isUnschedulable.withLock { $0 } }
            return HTTPResponse(200, contentType: "application/json", node.json.encoded())
        }
        let told = Mutex<[String]>([])
        var reporter = reporter(handler, ManualTime())
        reporter.tell = { event in
            guard event.reason.hasSuffix("Schedulable") else { return }
            told.withLock { $0.append(event.reason) }
        }
        for value in [false, true, true, false] {
            isUnschedulable.withLock { $0 = value }
            _ = try await reporter.report()
        }
        #expect(told.withLock { $0 } == ["NodeNotSchedulable", "NodeSchedulable"])
    }

    @Test func aFailureThatLastsIsNewOnce() {
        let failures = KnownFailures()
        #expect(
            failures.isNew("images", "gone") && !failures.isNew("images", "gone") && failures.isNew("status", "gone"))
        #expect(failures.isNew("images", "away"))
        failures.ended("images")
        #expect(failures.isNew("images", "away"))
    }

    private func reporter(_ handler: FakeHTTPHandler, _ time: ManualTime, boot: String = "b") -> NodeReporter {
        let facts = NodeFacts(
            cpuMilli: 1, memoryBytes: 1 << 20, diskBytes: 1 << 20, maximumPods: 1, architecture: "amd64",
            kernelVersion: "6", operatingSystem: "o", bootID: boot, machineID: "m", runtimeVersion: "r",
            kubeletVersion: "k", hostname: "n")
        return NodeReporter(
            object: NodeObject(identity: NodeIdentity(name: "n", addresses: ["192.0.2.1"]), facts: facts),
            client: APIClient(handler: handler, userAgent: "kubelet"), runtime: FakeRuntimeService(),
            images: FakeImageService(), time: time, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}
