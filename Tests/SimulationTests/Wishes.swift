import KubernetesAPI
import Synchronization

/// What the user was told is so. An answer that never came leaves both possible.
final class Wishes: Sendable {
    struct Wish: Sendable {
        /// What `exists` may be.
        var exists: Set<Bool> = [false]
        var replicas: Set<Int32> = []
        var images: Set<String> = []
    }

    enum Outcome: Sendable { case done, refused, unknown }

    private let wishes = Mutex<[String: Wish]>([:])

    subscript(_ key: String) -> Wish { wishes.withLock { $0[key] ?? Wish() } }

    var keys: [String] { wishes.withLock { $0.keys.sorted() } }

    func note(_ key: String, _ outcome: Outcome, _ change: @Sendable (inout Wish) -> Void) {
        wishes.withLock { wishes in
            let old = wishes[key] ?? Wish(exists: [true, false])
            var new = old
            change(&new)
            switch outcome {
            case .refused: return
            case .done: wishes[key] = new
            case .unknown:
                wishes[key] = Wish(
                    exists: old.exists.union(new.exists), replicas: old.replicas.union(new.replicas),
                    images: old.images.union(new.images))
            }
        }
    }

    /// Something may take these away that the user did not ask for: pods leave a lost node for good.
    func loosen(_ prefix: String) {
        wishes.withLock { wishes in
            for key in wishes.keys where key.hasPrefix(prefix) { wishes[key]?.exists.insert(false) }
        }
    }
}
