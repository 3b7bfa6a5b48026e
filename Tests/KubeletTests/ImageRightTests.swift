import APIMachinery
import CRI
import KubernetesAPI
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// Which image a pod gets, and whether it may have it.
@Suite final class ImageRightTests {
    private static let name = "r.example/x:1"
    private let images = FakeImageService()
    private let secrets = KeptSecrets()
    private let events = KeptEvents()
    private let fixture: DirectoryFixture

    init() { fixture = DirectoryFixture(images: images, objects: secrets, recorder: events) }

    /// A pod of one container, whose Secrets are named so.
    private func pod(_ secrets: String..., policy: String = "IfNotPresent", volume: String? = nil) -> Pod {
        KubeletTests.pod {
            $0.spec.imagePullSecrets = secrets.map { name in LocalObjectReference { $0.name = name } }
            $0.spec.containers[0].image = Self.name
            $0.spec.containers[0].imagePullPolicy = policy
            guard let volume else { return }
            $0.spec.volumes = [
                Volume {
                    $0.name = "model"
                    $0.image = ImageVolumeSource { $0.reference = volume }
                }
            ]
            $0.spec.containers[0].volumeMounts = [
                VolumeMount {
                    $0.name = "model"
                    $0.mountPath = "/model"
                }
            ]
        }
    }

    private func ensure(_ pod: Pod, _ observation: PodObservation = PodObservation()) async -> PodOutcome {
        await fixture.executor.carryOut(.ensureImages(container: "a", attempt: 0, held: []), pod, observation).0
    }

    private func reason(_ pod: Pod) async -> String? {
        guard case .imageMissing(_, let reason, _) = await ensure(pod) else { return nil }
        return reason
    }

    /// Runs the pod's container, and lets `meanwhile` happen after its images were looked at.
    private func run(_ pod: Pod, meanwhile: () -> Void = {}) async throws -> PodObservation {
        let executor = fixture.executor
        let (_, made) = await executor.carryOut(.createSandbox(attempt: 0), pod, PodObservation())
        guard case .imagesPresent(let ids) = await ensure(pod) else { throw OperationError("ensure", "") }
        meanwhile()
        let start = PodOperation.startContainer(name: "a", attempt: 0, images: ids)
        let (outcome, after) = await executor.carryOut(start, pod, try #require(made))
        #expect(outcome == .success)
        return try #require(after)
    }

    @Test func aNameThatMovesAfterTheCheckIsNotFollowed() async throws {
        images.add(Self.name, as: "sha256:old", user: 1)
        images.add("model:1", as: "sha256:model")
        var pod = pod(volume: "model:1")
        pod.spec.securityContext.runAsNonRoot = true
        let after = try await run(pod) {
            images.add(Self.name, as: "sha256:new", user: 0)
            images.add("model:1", as: "sha256:other")
        }
        #expect(after.containers.first?.image == Self.name && after.containers.first?.imageID == "sha256:old")
        #expect(after.containers.first?.mounts.first { $0.image == "model:1" }?.imageID == "sha256:model")
    }

    @Test func whatIsPulledIsWhatRuns() async throws {
        images.serve(Self.name, as: "sha256:first")
        let after = try await run(pod(policy: "Always")) { images.add(Self.name, as: "sha256:second") }
        #expect(after.containers.first?.imageID == "sha256:first")
    }

    @Test func anImageThatCameWithASecretIsAskedForByOthers() async throws {
        images.serve(Self.name, as: "sha256:x", password: "p")
        secrets.add("mine", password: "p")
        #expect(await reason(pod()) == "ErrImagePull")
        #expect(await ensure(pod("mine")) == .imagesPresent([Self.name: "sha256:x"]))
        #expect(images.pulls.count == 2)
        // Its holders need no pull, and others are refused by the registry.
        #expect(await ensure(pod("mine")) == .imagesPresent([Self.name: "sha256:x"]))
        #expect(images.pulls.count == 2)
        #expect(await reason(pod()) == "ErrImagePull" && images.pulls.count == 3)
        // A name that another image has by now is looked at anew.
        images.add(Self.name, as: "sha256:y")
        #expect(await ensure(pod()) == .imagesPresent([Self.name: "sha256:y"]))
    }

    @Test func whatItRanWithItMayHaveAlsoWithoutItsSecrets() async throws {
        for (name, id) in [(Self.name, "sha256:x"), ("r.example/model:1", "sha256:model")] {
            images.serve(name, as: id, password: "p")
        }
        secrets.add("mine", password: "p")
        let pod = pod("mine", volume: "r.example/model:1")
        let after = try await run(pod)
        secrets.lose()
        let ids = [Self.name: "sha256:x", "r.example/model:1": "sha256:model"]
        #expect(await ensure(pod, after) == .imagesPresent(ids))
        #expect(await reason(pod) == "ErrImagePull")
        // Another image of the name is none that it ran with.
        images.serve(Self.name, as: "sha256:z", password: "p")
        secrets.add("mine", password: "p")
        #expect(await ensure(self.pod("mine", policy: "Always")) == .imagesPresent([Self.name: "sha256:z"]))
        secrets.lose()
        guard case .imageMissing(let demand, "ErrImagePull", _) = await ensure(pod, after) else {
            Issue.record("it has an image of others")
            return
        }
        #expect(demand.image == Self.name)
    }

    /// Room is made just when the pod has found its image.
    @Test func anImageThatGoesAsItIsFoundIsFetchedAgain() async throws {
        images.serve(Self.name, as: "sha256:x")
        images.add(Self.name, as: "sha256:x")
        let (executor, claims, pod) = (fixture.executor, fixture.executor.claims, pod())
        #expect(claims.beginRemoval(of: "sha256:x"))
        let looking = PodOperation.ensureImages(container: "a", attempt: 0, held: [])
        async let outcome = executor.carryOut(looking, pod, PodObservation()).0
        // It has been found, and its end is waited for.
        try await until { !claims.beginRemoval(of: "sha256:x") && images.questions == [Self.name] }
        try await images.removeImage("sha256:x")
        claims.endRemoval(of: "sha256:x")
        #expect(await outcome == .imagesPresent([Self.name: "sha256:x"]))
        #expect(images.pulls == [Self.name] && !claims.beginRemoval(of: "sha256:x"))
    }

    /// As after `kubectl set image`: nothing is made of the old one any more, also while the new one does not come.
    @Test func anImageThatItsContainerHasNoMoreMayGo() async throws {
        images.add(Self.name, as: "sha256:old")
        images.add("model:1", as: "sha256:model")
        let claims = fixture.executor.claims
        var pod = pod(volume: "model:1")
        _ = await ensure(pod)
        #expect(!claims.beginRemoval(of: "sha256:old"))
        pod.spec.containers[0].image = "r.example/x:2"
        #expect(await reason(pod) == "ErrImagePull")
        #expect(claims.beginRemoval(of: "sha256:old") && !claims.beginRemoval(of: "sha256:model"))
    }

    /// Another container of the pod may be about to use the same image.
    @Test func whatAnotherContainerIsAboutToUseStays() async {
        let claims = fixture.executor.claims
        for container in ["a", "b"] {
            _ = await claims.claim("x", as: "x:1", by: "u", container: container, since: claims.removals)
        }
        claims.keep(["y:1"], by: "u", container: "a")
        #expect(!claims.beginRemoval(of: "x"))
        claims.keep(["y:1"], by: "u", container: "b")
        #expect(claims.beginRemoval(of: "x"))
    }

    @Test func aPolicyOfNeverSaysWhatIsMissing() async throws {
        let never = pod(policy: "Never")
        guard case .imageMissing(_, "ErrImageNeverPull", let absent) = await ensure(never) else {
            Issue.record("it is there")
            return
        }
        #expect(absent.contains("is not present with pull policy of Never; add it on the node"))
        images.serve(Self.name, as: "sha256:x", password: "p")
        secrets.add("mine", password: "p")
        _ = await ensure(pod("mine"))
        guard case .imageMissing(_, "ErrImageNeverPull", let closed) = await ensure(never) else {
            Issue.record("it is everyone's")
            return
        }
        #expect(closed.contains("name a Secret with them in imagePullSecrets"))
        #expect(await ensure(pod("mine", policy: "Never")) == .imagesPresent([Self.name: "sha256:x"]))
        #expect(images.pulls.count == 1)
    }

    @Test func aPullIsWrittenDownByTheIdOfWhatItBrought() async throws {
        images.serve(Self.name, as: "sha256:x", password: "p")
        secrets.add("mine", password: "p")
        _ = await ensure(pod("mine"))
        // Looked for by its name, also just before the pull, and once by what came.
        #expect(images.questions == [Self.name, Self.name, "sha256:x"])
        #expect(events.messages.last?.hasSuffix("Image size: 1048576 bytes.") == true)
        let pulls = fixture.executor.pulls
        #expect(try await pulls.access(to: Self.name, of: "r.example/x", as: "sha256:x") != .everyone)
        #expect(try await pulls.access(to: Self.name, of: "r.example/x", as: "sha256:y") == .everyone)
    }

    @Test func anImageBroughtByHandIsUsedWhileItsNameIsPulled() async throws {
        images.add(Self.name, as: "sha256:hand")
        images.serve(Self.name, as: "sha256:new", password: "p")
        secrets.add("mine", password: "p")
        let gate = FakeGate()
        images.hold(Self.name, at: gate)
        let (executor, always) = (fixture.executor, pod("mine", policy: "Always"))
        let looking = PodOperation.ensureImages(container: "a", attempt: 0, held: [])
        async let pulled = executor.carryOut(looking, always, PodObservation()).0
        await gate.reached()
        for policy in ["IfNotPresent", "Never"] {
            #expect(await ensure(pod(policy: policy)) == .imagesPresent([Self.name: "sha256:hand"]))
        }
        gate.open()
        #expect(await pulled == .imagesPresent([Self.name: "sha256:new"]))
        #expect(images.pulls.count == 1)
        #expect(await reason(pod()) == "ErrImagePull")
    }

    @Test func aPullThatFailsLeavesTheNameOpen() async throws {
        #expect(await reason(pod()) == "ErrImagePull")
        let pulls = fixture.executor.pulls
        #expect(try await pulls.access(to: Self.name, of: "r.example/x", as: "sha256:y") == .everyone)
    }
}

private final class KeptSecrets: ReferencedObjects {
    private let secrets = Mutex<[String: Secret]?>([:])

    func add(_ name: String, password: String) {
        let file = #"{"auths": {"r.example": {"username": "u", "password": "\#(password)"}}}"#
        let secret = Secret(name: name, namespace: "default") {
            $0.metadata.uid = name
            $0.type = "kubernetes.io/dockerconfigjson"
            $0.data = [".dockerconfigjson": Bytes(Array(file.utf8))]
        }
        secrets.withLock { $0 = ($0 ?? [:]).merging([name: secret]) { $1 } }
    }

    /// The API server does not answer from now on.
    func lose() { secrets.withLock { $0 = nil } }

    func configMap(_ name: String, in namespace: String) async throws(OperationError) -> ConfigMap? { nil }
    func nodeLabels(_ node: String) async -> [String: String]? { nil }

    func secret(_ name: String, in namespace: String) async throws(OperationError) -> Secret? {
        guard let secrets = secrets.withLock({ $0 }) else { throw OperationError("FailedMount", "no answer") }
        return secrets[name]
    }

    func token(
        for pod: Pod, audiences: [String], expirationSeconds: Int64
    ) async throws(OperationError) -> IssuedToken { throw OperationError("FailedMount", "no tokens") }
}

private final class KeptEvents: PodEventRecorder {
    private let kept = Mutex<[String]>([])

    var messages: [String] { kept.withLock { $0 } }

    func record(_ message: PodEventMessage, on pod: Pod) { kept.withLock { $0.append(message.message) } }
}
