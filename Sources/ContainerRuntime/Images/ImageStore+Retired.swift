import CRI
import Glibc
import Linux
import OCI

/// Trees that are no image's any more while containers run on them: a damaged one that was made anew, one of an image that was removed by force. They lie
/// beneath `retired/`, each with the ids of the images whose containers have it mounted, and go with the last of those containers.
extension ImageStore {
    private var retired: String { paths.images + "/retired" }

    /// The images that containers use and that have this layer, or had it before they were removed by force. Blocks no one.
    func users(ofLayer key: Digest) -> Set<Digest> {
        state.withLock { state in
            let images = state.index.records.filter { $0.layers.contains { $0.key == key } }.map(\.id)
            return state.mounted[key, default: []].union(images).filter { state.users[$0] != nil }
        }
    }

    /// Takes a tree out of the store without taking it from who has it mounted. Blocks.
    func retire(_ tree: String, of images: Set<Digest>) throws(KernelError) {
        guard !images.isEmpty else { return try content.removed.take(tree) }
        let name = (try? Identifier.random()) ?? ""
        guard !name.isEmpty else { throw KernelError("getrandom", tree, EIO) }
        let place = retired + "/" + name
        try WholeFile.makeDirectories(place, mode: 0o700)
        for image in images { try WholeFile.replace(place + "/" + image.hex, with: [], durable: false) }
        guard rename(tree, place + "/tree") == 0 || errno == ENOENT else { throw KernelError("rename", tree) }
    }

    /// Removes the retired trees that nobody uses any more. Not before all containers are known. Blocks.
    func dropRetired() throws(KernelError) {
        guard access(retired, F_OK) == 0 else { return }
        let used = Set(state.withLock { $0.users.keys.map(\.hex) })
        for name in try OpenDirectory(retired).names() {
            let images = try OpenDirectory(retired + "/" + name).names().filter { $0 != "tree" }
            if used.isDisjoint(with: images) { try content.removed.take(retired + "/" + name) }
        }
    }
}
