import CRI
import Testing

@testable import Daemon

@Suite struct EventNamesTests {
    private let web = EventNames.Entry(name: "(run)/web/web", id: "a")

    private func event(_ kind: ContainerEvent.Kind, _ id: String) -> ContainerEvent {
        ContainerEvent(kind: kind, container: id, sandbox: "s", podUID: "u", time: 0)
    }

    @Test func whatIsStartedAgainIsOneToItsEnd() {
        var names = EventNames()
        #expect(names.take(event(.created, "a"), web) == web)
        for kind in [ContainerEvent.Kind.started, .stopped] { #expect(names.take(event(kind, "a"), web) == web) }
        #expect(names.take(event(.created, "b"), web) == nil)
        #expect(names.take(event(.started, "b"), web) == web)
        #expect(names.take(event(.deleted, "a"), nil) == nil)
        #expect(names.take(event(.stopped, "b"), web) == web)
        #expect(names.take(event(.created, "c"), web) == nil)
        #expect(names.take(event(.deleted, "c"), nil) == nil, "it could not be started")
        #expect(names.take(event(.deleted, "b"), nil) == web)
    }

    @Test func anEarlierAttemptsRemovalTellsNothingAlsoWhereItWasNotKnown() {
        var names = EventNames()
        names["b"] = web
        #expect(names.take(event(.deleted, "a"), nil) == nil)
        #expect(names.take(event(.deleted, "x"), nil) == EventNames.Entry(name: "", id: "x"))
    }
}
