import Testing

@testable import ContainerRuntime

@Suite struct ImageEventTests {
    @Test func whoDoesNotKeepUpIsCutOffAfterWhatFits() async {
        let listeners = ImageEventListeners()
        let (slow, quick) = (listeners.subscribe(bound: 1), listeners.subscribe())
        let events = ["a", "b"].map { ImageEvent(kind: .added, image: $0, name: "", time: 1) }
        listeners.tell(events)
        var heard: [ImageEvent] = []
        for await event in slow { heard.append(event) }
        #expect(heard == [events[0]])
        for await event in quick {
            heard.append(event)
            if event == events[1] { break }
        }
        #expect(heard == [events[0]] + events)
    }
}
