import Testing

@testable import Daemon

@Suite struct RestartPolicyTests {
    private func pauses(
        _ policy: String, code: Int32 = 1, ran: Duration = .zero, restarts: UInt32 = 0, pause: Duration? = nil
    ) -> Duration? {
        RestartPolicy(policy)?.pause(afterExit: code, ran: ran, restarts: restarts, pause: pause)
    }

    @Test func policiesAreDockers() {
        for text in ["no", "on-failure", "on-failure:3", "always", "unless-stopped"] {
            #expect(RestartPolicy(text)?.description == text)
        }
        #expect(RestartPolicy("on-failure:0") == .onFailure(times: nil))
        for text in ["sometimes", "always:3", "on-failure:", "on-failure:-1", "on-failure:x"] {
            #expect(RestartPolicy(text) == nil)
        }
    }

    @Test func failuresAreFollowedSoOften() {
        #expect(pauses("no") == nil && pauses("always", code: 0) != nil && pauses("unless-stopped", code: 0) != nil)
        #expect(pauses("on-failure", code: 0) == nil && pauses("on-failure", restarts: 1_000) != nil)
        #expect(pauses("on-failure:3", restarts: 2) != nil && pauses("on-failure:3", restarts: 3) == nil)
    }

    @Test func pausesGrowUntilItHasRun() {
        var (pause, seen): (Duration?, [Duration]) = (nil, [])
        for _ in 0..<12 {
            pause = pauses("always", ran: .seconds(9), pause: pause)
            seen.append(pause ?? .zero)
        }
        #expect(seen.prefix(4) == [.milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800)])
        #expect(seen.suffix(2) == [.seconds(60), .seconds(60)])
        #expect(pauses("always", ran: .seconds(10), pause: .seconds(60)) == .milliseconds(100))
    }
}
