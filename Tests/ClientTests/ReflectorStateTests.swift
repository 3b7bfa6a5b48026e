import APIMachinery
import Client
import Testing

@Suite struct ReflectorStateTests {
    @Test func listsPageByPageThenWatches() {
        var state = ReflectorState(selection: options { $0.labelSelector = "app=web" })
        #expect(
            state.step(fraction: 0)
                == .list(
                    options {
                        $0.labelSelector = "app=web"
                        $0.limit = 500
                    }))
        let more = !state.listed(meta(version: "7", next: "token"))
        #expect(more)
        #expect(
            state.step(fraction: 0)
                == .list(
                    options {
                        $0.labelSelector = "app=web"
                        $0.limit = 500
                        $0.continuation = "token"
                    }))
        let complete = state.listed(meta(version: "7"))
        #expect(complete)
        #expect(state.step(fraction: 0.5) == watch("7", seconds: 450, label: "app=web"))
    }

    @Test func resumesFromTheLastVersionSeen() {
        var state = watching("7")
        state.saw(version: "9")
        state.watchEnded(after: .seconds(300), fraction: 0)
        #expect(state.pause == .zero)
        #expect(state.step(fraction: 0) == watch("9"))
        state.failed(.serviceUnavailable("gone away"), fraction: 0)
        #expect(state.pause == .milliseconds(50))
        #expect(state.step(fraction: 0) == watch("9"))
    }

    @Test func listsAnewWhenTheVersionIsGone() {
        var state = watching("7")
        state.failed(.expired("too old"), fraction: 0)
        #expect(state.isAtListStart)
        #expect(state.step(fraction: 0) == .list(options { $0.limit = 500 }))
    }

    @Test func asksForEverythingWhenAPageTokenExpires() {
        var state = ReflectorState(selection: ListOptions())
        _ = state.listed(meta(version: "7", next: "token"))
        state.failed(.expired("token too old"), fraction: 0)
        #expect(state.step(fraction: 0) == .list(ListOptions()))
    }

    @Test func waitsLongerFromFailureToFailureUpToALimit() {
        var state = watching("7")
        var pauses: [Duration] = []
        for _ in 0..<12 {
            state.failed(.serviceUnavailable("down"), fraction: 0)
            pauses.append(state.pause)
        }
        #expect(pauses.prefix(4) == [.milliseconds(50), .milliseconds(100), .milliseconds(200), .milliseconds(400)])
        #expect(pauses.last == .seconds(30))
        state.saw(version: "8")
        #expect(state.pause == .zero)
        state.failed(.serviceUnavailable("down"), fraction: 1)
        #expect(state.pause == .milliseconds(100))
    }

    @Test func aServerThatEndsEachWatchAtOnceIsNotHammered() {
        var state = watching("7")
        state.watchEnded(after: .milliseconds(3), fraction: 0)
        #expect(state.pause == .milliseconds(50))
    }

    @Test func waitsAsLongAsTheServerAsks() {
        var state = watching("7")
        state.failed(.tooManyRequests("busy", retryAfterSeconds: 3), fraction: 0)
        #expect(state.pause == .seconds(3))
    }

    private func options(_ build: (inout ListOptions) -> Void) -> ListOptions {
        var options = ListOptions()
        build(&options)
        return options
    }

    private func meta(version: String, next: String = "") -> ListMeta {
        ListMeta {
            $0.resourceVersion = version
            $0.continue = next
        }
    }

    private func watching(_ version: String) -> ReflectorState {
        var state = ReflectorState(selection: ListOptions())
        _ = state.listed(meta(version: version))
        return state
    }

    private func watch(_ version: String, seconds: Int = 300, label: String = "") -> ReflectorState.Step {
        .watch(
            options {
                $0.labelSelector = label
                $0.resourceVersion = version
                $0.allowsBookmarks = true
                $0.timeoutSeconds = seconds
            })
    }
}
