import CRI
import Synchronization

/// An `ImageService` over a table. `pullImage` finds what the test has put into its registry.
package final class FakeImageService: ImageService {
    private struct State {
        var present: [String: Image] = [:]
        var registry: [String: Image] = [:]
        var pullFailures: [CRIError] = []
        var pulls: [String] = []
    }

    private let state: Mutex<State>

    /// `present` are there from the start.
    package init(present: [String] = [], registry: [String] = []) {
        var initial = State()
        for name in present { initial.present[name] = Self.image(name) }
        for name in registry { initial.registry[name] = Self.image(name) }
        state = Mutex(initial)
    }

    /// The names pulled so far, failures included.
    package var pulls: [String] { state.withLock { $0.pulls } }

    package func add(_ name: String, user: Int64? = nil, userName: String = "") {
        var image = Self.image(name)
        image.user = user
        image.userName = userName
        state.withLock { [image] in $0.present[name] = image }
    }

    package func failNextPull(with error: CRIError) {
        state.withLock { $0.pullFailures.append(error) }
    }

    package func listImages() async throws(CRIError) -> [Image] {
        state.withLock { state in state.present.values.sorted { $0.id < $1.id } }
    }

    package func imageStatus(_ image: String) async throws(CRIError) -> Image? {
        state.withLock { state in
            state.present[image] ?? state.present.values.first { $0.id == image }
        }
    }

    package func imageInfo(_ image: String) async throws(CRIError) -> [String: String] {
        try await imageStatus(image).map { ["info": "{\"fake\":\"\($0.id)\"}"] } ?? [:]
    }

    package func pullImage(_ image: String, auth: RegistryAuth?) async throws(CRIError) -> String {
        try state.withLock { state throws(CRIError) in
            state.pulls.append(image)
            if !state.pullFailures.isEmpty { throw state.pullFailures.removeFirst() }
            guard let found = state.present[image] ?? state.registry[image] else {
                throw .imageNotFound("image \(image) is in no registry")
            }
            state.present[image] = found
            return found.id
        }
    }

    package func removeImage(_ image: String) async throws(CRIError) {
        state.withLock { state in
            state.present = state.present.filter { $0.key != image && $0.value.id != image }
        }
    }

    package func imageFilesystem() async throws(CRIError) -> FilesystemUsage {
        state.withLock { state in
            FilesystemUsage(path: "/fake", usedBytes: UInt64(state.present.count) * 1_048_576, usedInodes: 0)
        }
    }

    private static func image(_ name: String) -> Image {
        Image(
            id: "sha256:" + name, tags: [name], digests: [name + "@sha256:" + name], size: 1_048_576, user: nil,
            userName: "")
    }
}
