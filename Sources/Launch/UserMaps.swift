import CLaunch
import Glibc

/// A user namespace's ids from 0 on, and which of the host's they are.
package struct UserMaps: Sendable, Hashable {
    /// The host's numbers of user and group 0.
    package var firstUser: UInt32
    package var userCount: UInt32
    package var firstGroup: UInt32
    package var groupCount: UInt32

    package init(firstUser: UInt32, userCount: UInt32, firstGroup: UInt32, groupCount: UInt32) {
        self.firstUser = firstUser
        self.userCount = userCount
        self.firstGroup = firstGroup
        self.groupCount = groupCount
    }

    /// As lines of uid_map and gid_map.
    var userMap: String { "0 \(firstUser) \(userCount)\n" }
    var groupMap: String { "0 \(firstGroup) \(groupCount)\n" }

    /// A new user namespace with these ids, which lasts as long as the descriptor. Blocks.
    func namespace() throws(KernelError) -> Descriptor {
        let file = cs_user_namespace(userMap, groupMap)
        guard file >= 0 else { throw KernelError("make a user namespace for ids from", "\(firstUser)", -file) }
        return Descriptor(owning: file)
    }

    /// Why files on the filesystem that `directory` is on, or will be on, or on a new tmpfs (nil) cannot be mounted with their ids mapped; nil where
    /// they can. Blocks.
    package static func obstacle(on directory: String? = nil) -> KernelError? {
        guard var directory else { return obstacle(cs_maps_ids(-1), "tmpfs") }
        while access(directory, F_OK) != 0, let parent = directory.parentPath, !parent.isEmpty { directory = parent }
        do throws(KernelError) {
            let file = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
            return obstacle(cs_maps_ids(file.raw), directory)
        } catch {
            return error
        }
    }

    private static func obstacle(_ code: Int32, _ object: String) -> KernelError? {
        code == 0 ? nil : KernelError("map the ids of files on", object, -code)
    }
}
