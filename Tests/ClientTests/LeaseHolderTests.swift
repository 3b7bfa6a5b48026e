import APIMachinery
import Client
import HTTP
import JSONTree
import KubernetesAPI
import Synchronization
import TestSupport
import Testing

@Suite struct LeaseHolderTests {
    /// One lease and its version, as a server keeps it.
    final class LeaseServer: Sendable {
        private let stored = Mutex<(lease: Lease?, version: Int)>((nil, 0))
        let down = Mutex(false)

        var lease: Lease? { stored.withLock { $0.lease } }

        func put(_ lease: Lease) -> Lease {
            stored.withLock { stored in
                var lease = lease
                stored.version += 1
                lease.metadata.resourceVersion = String(stored.version)
                stored.lease = lease
                return lease
            }
        }

        func answer(_ request: HTTPRequest) -> HTTPResponse {
            if down.withLock({ $0 }) { return failure(.serviceUnavailable("down")) }
            let name = ResourceName(group: "coordination.k8s.io", "leases")
            switch request.method {
            case .get: return lease.map { json($0.json) } ?? failure(.notFound(name, "n1"))
            case .post, .put:
                guard let value = try? JSONValue(parsing: request.body), let sent = Lease(json: value) else {
                    return failure(.badRequest("no lease"))
                }
                let current = lease?.metadata.resourceVersion ?? ""
                guard request.method == .post ? lease == nil : sent.metadata.resourceVersion == current else {
                    return failure(.staleResourceVersion(name, "n1"))
                }
                return json(put(sent).json)
            default: return failure(.methodNotAllowed(name, "x"))
            }
        }
    }

    @Test func makesTheLeaseThenRenewsItWithOneWriteEach() async throws {
        let server = LeaseServer()
        let handler = FakeHTTPHandler { server.answer($0) }
        let time = ManualTime()
        await running(handler, time) {
            await time.waitForSleepers()
            #expect(server.lease?.spec.holderIdentity == "n1")
            #expect(server.lease?.spec.leaseDurationSeconds == 40)
            #expect(server.lease?.metadata.namespace == "kube-node-lease")
            for _ in 0..<3 {
                let pause = time.untilNext ?? .zero
                #expect(pause >= .seconds(10) && pause < .milliseconds(10_400))
                time.advance(by: pause)
                await time.waitForSleepers()
                #expect(server.lease?.spec.renewTime?.json == MicroTime(time.now()).json)
            }
        }
        #expect(handler.requests.map(\.method) == [.get, .post, .put, .put, .put])
    }

    @Test func takesOverAndCountsTheChangeOfHands() async throws {
        let server = LeaseServer()
        _ = server.put(Lease(name: "n1", namespace: "kube-node-lease") { $0.spec.holderIdentity = "other" })
        let holder = holder(FakeHTTPHandler { server.answer($0) }, ManualTime())
        let first = try await holder.renew()
        #expect(first.spec.leaseTransitions == 1)
        _ = server.put(first)
        let second = try await holder.renew(first)
        #expect(second.spec.leaseTransitions == 1)
        #expect(second.metadata.resourceVersion == "4")
    }

    @Test func triesSoonerWhileTheServerIsAway() async throws {
        let server = LeaseServer()
        let time = ManualTime()
        await running(FakeHTTPHandler { server.answer($0) }, time) {
            await time.waitForSleepers()
            server.down.withLock { $0 = true }
            time.advance(by: time.untilNext ?? .zero)
            await time.waitForSleepers()
            #expect((time.untilNext ?? .zero) < .milliseconds(301))
            server.down.withLock { $0 = false }
            time.advance(by: time.untilNext ?? .zero)
            await time.waitForSleepers()
            #expect((time.untilNext ?? .zero) >= .seconds(10))
            #expect(server.lease?.spec.renewTime?.json == MicroTime(time.now()).json)
        }
    }

    private func holder(_ handler: FakeHTTPHandler, _ time: ManualTime) -> LeaseHolder {
        LeaseHolder(.init(node: "n1"), client: client(handler), time: time, random: RandomSource(seed: 3))
    }

    private func running(_ handler: FakeHTTPHandler, _ time: ManualTime, _ body: () async -> Void) async {
        let holder = holder(handler, time)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await holder.run() }
            await body()
            group.cancelAll()
        }
    }
}
