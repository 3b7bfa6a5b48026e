import CRI
import KubernetesAPI
import Linux
import Logging
import TestSupport
import Testing

@testable import Kubelet

@Suite struct SpaceReclaimerTests {
    @Test func theLongestUnusedImagesGoFirst() {
        var collection = ImageCollection()
        let all = ["a", "b", "c", "pinned"].map(image)
        collection.note(all, used: ["a", "b", "c"], at: .seconds(1))
        collection.note(all, used: ["a", "c"], at: .seconds(100))
        collection.note(all, used: ["c"], at: .seconds(200))
        #expect(collection.unused(all, used: ["c"], at: .seconds(300)).map(\.id) == ["b", "a"])
        // One that has only just come may be about to be used.
        let more = all + [image("new")]
        collection.note(more, used: ["c"], at: .seconds(300))
        #expect(collection.unused(more, used: [], at: .seconds(400)).map(\.id) == ["b", "a", "c"])
        #expect(collection.unused(more, used: [], at: .seconds(420)).map(\.id) == ["new", "b", "a", "c"])
    }

    @Test func imagesGoWhenTheDiskIsFilledToItsShare() {
        func excess(_ available: Int64) -> Int64? {
            ImageCollection.excess(SignalReading(available: available, capacity: 1_000), high: 85, low: 80)
        }
        #expect(excess(160) == nil)
        #expect(excess(150) == 50)
        #expect(excess(0) == 200)
    }

    @Test func onlyContainersThatNobodyNeedsAreRemoved() {
        let containers = [
            container("done-0", pod: "done", attempt: 0), container("live-0", pod: "live", attempt: 0),
            container("live-1", pod: "live", attempt: 1), container("live-2", pod: "live", attempt: 2, .running),
            container("ended-0", pod: "ended", attempt: 0), container("stray", pod: "stray", attempt: 0),
        ]
        let dead = DeadContainers.list(containers, finished: ["done"], known: ["done", "live", "ended"])
        #expect(dead.map(\.id) == ["done-0", "live-0", "live-1"])
    }

    private let claims = ImageClaims()
    private let time = ManualTime()
    private let runtime = FakeRuntimeService()

    private let log = KeptWords(.info)

    private func reclaimer(_ images: FakeImageService) -> SpaceReclaimer {
        SpaceReclaimer(
            runtime: runtime, images: images, claims: claims, threads: BlockingThreads(count: 1), time: time,
            logger: Logger(label: "test") { [log] _ in log })
    }

    /// A runtime that cannot say what one name means, and one that keeps an image, take none of the others from the collection; each is said once.
    @Test func oneNameThatIsRefusedStopsNothing() async throws {
        let images = FakeImageService(present: ["odd", "kept", "idle"])
        images.refuse("odd")
        images.refuse("sha256:kept")
        let reclaimer = reclaimer(images)
        let pod = pod { $0.spec.containers[0].image = "odd" }
        _ = try? await reclaimer.look([pod])
        time.advance(by: .seconds(120))
        for _ in 0..<3 { await reclaimer.reclaim([pod]) }
        #expect(try await images.listImages().map(\.id) == ["sha256:kept", "sha256:odd"])
        let words = log.words.value.withLock { $0 }
        #expect(words.filter { $0.contains("is refused") }.count == 1)
        #expect(words.filter { $0.contains("was not removed") }.count == 1)
    }

    /// Of a tag and a digest the digest says which image it is.
    @Test func anImageThatIsRefusedIsKnownByItsDigest() async throws {
        let digest = "sha256:" + String(repeating: "d", count: 64)
        let images = FakeImageService(present: ["odd@\(digest)", "idle"])
        images.refuse("odd:1@\(digest)")
        let reclaimer = reclaimer(images)
        let pod = pod { $0.spec.containers[0].image = "odd:1@\(digest)" }
        try await reclaimer.look([pod])
        time.advance(by: .seconds(120))
        await reclaimer.reclaim([pod])
        #expect(try await images.listImages().map(\.tags) == [["odd@\(digest)"]])
    }

    /// An answer that does not come in time may be that any of the images is meant.
    @Test func aNameThatIsNotAnsweredInTimeLosesNothing() async throws {
        let images = FakeImageService(present: ["idle"])
        let reclaimer = reclaimer(images)
        let pod = pod { $0.spec.containers[0].image = "slow" }
        try await reclaimer.look([pod])
        time.advance(by: .seconds(120))
        images.refuse("slow", with: .timedOut("no answer"))
        await reclaimer.reclaim([pod])
        #expect(try await images.listImages().count == 1)
        images.allow("slow")
        await reclaimer.reclaim([pod])
        #expect(try await images.listImages().isEmpty)
    }

    @Test func unusedImagesAreRemovedAndUsedOnesStay() async throws {
        let images = FakeImageService(present: ["used", "named", "mounted", "idle"])
        let reclaimer = reclaimer(images)
        let config = PodSandboxConfig(metadata: PodSandboxMetadata(name: "p", uid: "u", namespace: "default"))
        let sandbox = try await runtime.runPodSandbox(config)
        _ = try await runtime.createContainer(
            sandbox: sandbox, config: ContainerConfig(metadata: ContainerMetadata(name: "a"), image: "used"),
            sandboxConfig: config)
        let waiting = pod {
            $0.spec.containers[0].image = "named"
            $0.spec.volumes = [Volume { $0.image = ImageVolumeSource { $0.reference = "mounted" } }]
        }
        try await reclaimer.look([waiting])
        time.advance(by: .seconds(60))
        await reclaimer.reclaim([waiting])
        #expect(try await images.listImages().count == 4)
        time.advance(by: .seconds(60))
        await reclaimer.reclaim([waiting])
        #expect(try await images.listImages().map { $0.tags } == [["mounted"], ["named"], ["used"]])
    }

    /// A pod that came after the list of pods was made, and has looked for its image.
    @Test func whatAPodIsAboutToUseStays() async throws {
        let images = FakeImageService(present: ["found", "idle"])
        let reclaimer = reclaimer(images)
        try await reclaimer.look([])
        time.advance(by: .seconds(120))
        let found = try #require(try await images.imageStatus("found"))
        #expect(await claims.claim(found.id, as: "found", by: "u", container: "c", since: claims.removals))
        await reclaimer.reclaim([])
        #expect(try await images.listImages().map(\.id) == [found.id])
        claims.forget(podUID: "u")
        await reclaimer.reclaim([])
        #expect(try await images.listImages().isEmpty)
    }

    @Test func aRuntimeThatDoesNotSayWhatIsUsedLosesNothing() async throws {
        let images = FakeImageService(present: ["used"])
        let reclaimer = reclaimer(images)
        try await reclaimer.look([])
        time.advance(by: .seconds(120))
        runtime.failAlways(.listContainers, with: .failed("no answer"))
        await reclaimer.reclaim([])
        #expect(try await images.listImages().count == 1)
        runtime.failAlways(.listContainers, with: nil)
        await reclaimer.reclaim([])
        #expect(try await images.listImages().isEmpty)
    }

    @Test func oneRemovalOfAnImageAtATime() async {
        #expect(claims.beginRemoval(of: "a") && !claims.beginRemoval(of: "a"))
        let before = claims.removals
        let late = Task { [claims] in await claims.claim("a", as: "a:1", by: "u", container: "c", since: before) }
        #expect(await claims.claim("b", as: "b:1", by: "u", container: "c", since: before))
        claims.endRemoval(of: "a")
        #expect(await late.value == false)
        #expect(await !claims.claim("b", as: "b:1", by: "v", container: "c", since: before))
    }

    private func image(_ id: String) -> Image {
        var image = Image(id: id, tags: [id], digests: [], size: 10, user: nil, userName: "")
        image.isPinned = id == "pinned"
        return image
    }

    private func container(
        _ id: String, pod: String, attempt: UInt32, _ state: CRI.ContainerState = .exited
    ) -> CRI.ContainerStatus {
        var status = CRI.ContainerStatus(
            id: id, sandbox: "s", metadata: ContainerMetadata(name: "a", attempt: attempt), state: state,
            createdAt: 1, image: "i", imageID: "i")
        status.labels = [ContainerLabel.podUID: pod]
        return status
    }
}
