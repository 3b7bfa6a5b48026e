import CRI
import Synchronization

/// An `ImageService` over a table. `pullImage` finds what the test has put into its registry, with a password where that asks for one.
package final class FakeImageService: ImageService {
    private struct State {
        var present: [String: Image] = [:]
        var registry: [String: Image] = [:]
        var passwords: [String: String] = [:]
        var questions: [String] = []
        var pulls: [String] = []
        var refused: [String: CRIError] = [:]
        var gates: [String: FakeGate] = [:]

        /// An image that loses its name is still there by its id.
        mutating func hold(_ image: Image, as name: String) {
            if let old = present[name], old.id != image.id { present[old.id] = old }
            present[name] = image
        }
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

    /// What `imageStatus` was asked for so far.
    package var questions: [String] { state.withLock { $0.questions } }

    /// The registry has this image under the name from now on.
    /// - Parameter password: who comes without it is refused; nil: it is everyone's.
    package func serve(_ name: String, as id: String, password: String? = nil) {
        state.withLock { state in
            state.registry[name] = Self.image(name, id)
            state.passwords[name] = password
        }
    }

    /// - Parameter id: nil: one that follows from the name.
    package func add(_ name: String, as id: String? = nil, user: Int64? = nil, userName: String = "") {
        var image = Self.image(name, id)
        image.user = user
        image.userName = userName
        state.withLock { [image] state in state.hold(image, as: name) }
    }

    /// Neither looks it up nor removes it from now on.
    /// - Parameter error: nil: it is invalid.
    package func refuse(_ name: String, with error: CRIError? = nil) {
        state.withLock { $0.refused[name] = error ?? .invalid("\(name): refused") }
    }

    /// Does so again.
    package func allow(_ name: String) { state.withLock { $0.refused[name] = nil } }

    /// Pulls of this name wait at the gate from now on.
    package func hold(_ name: String, at gate: FakeGate) { state.withLock { $0.gates[name] = gate } }

    package func listImages() async throws(CRIError) -> [Image] {
        state.withLock { state in state.present.values.sorted { $0.id < $1.id } }
    }

    package func imageStatus(_ image: String) async throws(CRIError) -> Image? {
        try state.withLock { state throws(CRIError) in
            state.questions.append(image)
            if let error = state.refused[image] { throw error }
            return state.present[image] ?? state.present.values.first { $0.id == image }
        }
    }

    package func imageInfo(_ image: String) async throws(CRIError) -> [String: String] {
        try await imageStatus(image).map { ["info": "{\"fake\":\"\($0.id)\"}"] } ?? [:]
    }

    package func pullImage(_ image: String, auth: RegistryAuth?) async throws(CRIError) -> String {
        let gate = state.withLock { state in
            state.pulls.append(image)
            return state.gates[image]
        }
        await gate?.wait()
        return try state.withLock { state throws(CRIError) in
            guard let found = state.registry[image] ?? state.present[image] else {
                throw .imageNotFound("image \(image) is in no registry")
            }
            if let password = state.passwords[image], auth?.password != password { throw .failed("401") }
            state.hold(found, as: image)
            return found.id
        }
    }

    package func removeImage(_ image: String) async throws(CRIError) {
        try state.withLock { state throws(CRIError) in
            if let error = state.refused[image] { throw error }
            state.present = state.present.filter { $0.key != image && $0.value.id != image }
        }
    }

    package func imageFilesystem() async throws(CRIError) -> FilesystemUsage {
        state.withLock { state in
            FilesystemUsage(path: "/fake", usedBytes: UInt64(state.present.count) * 1_048_576, usedInodes: 0)
        }
    }

    private static func image(_ name: String, _ id: String? = nil) -> Image {
        Image(
            id: id ?? "sha256:" + name, tags: [name], digests: [name + "@sha256:" + name], size: 1_048_576, user: nil,
            userName: "")
    }
}
