import CRI
import Glibc
import Linux
import Synchronization

/// The ranges of the node's users and groups that pods with `hostUsers: false` have as their own: 65,536 each, from 65,536 on, no two pods the same one.
///
/// A pod's range is written down among its files before it is used, and stays its own until those files are gone: what a daemon gave, the next one
/// reads. Every call may block.
final class UserRanges: Sendable {
    static let size: UInt32 = 65_536
    /// The last range would hold 4294967295, which is no user.
    static let last: UInt32 = 65_534

    private let directories: PodDirectories
    /// Which range each pod has; nil until the records have been read.
    private let ranges = Mutex<[String: UInt32]?>(nil)

    init(_ directories: PodDirectories) {
        self.directories = directories
    }

    /// The pod's range: the one that it has, or the lowest that is free. Fails where a record cannot be read or written, and with ENOSPC where all
    /// are taken.
    func range(of uid: String) throws(KernelError) -> PodUsers.Range {
        try ranges.withLock { known throws(KernelError) in
            if known == nil { known = try recorded() }
            var ranges = known ?? [:]
            if let number = ranges[uid] { return Self.range(number) }
            guard let number = Self.free(among: Set(ranges.values)) else {
                throw KernelError("find users for pod", uid, ENOSPC)
            }
            try FileOperations.makeDirectories(directories.volatilePod(uid))
            try WholeFile.replace(
                directories.users(uid), with: Array("\(number)\n".utf8), mode: 0o644, durable: true)
            ranges[uid] = number
            known = ranges
            return Self.range(number)
        }
    }

    /// Once the pod's files are gone.
    func release(_ uid: String) {
        ranges.withLock { _ = $0?.removeValue(forKey: uid) }
    }

    /// Pure: the lowest number that is free; nil where none is.
    static func free(among taken: Set<UInt32>) -> UInt32? {
        (1...last).first { !taken.contains($0) }
    }

    private static func range(_ number: UInt32) -> PodUsers.Range {
        PodUsers.Range(first: number * size, count: size)
    }

    /// Fails where it is not known of all pods which range they have: what cannot be read may be anybody's.
    private func recorded() throws(KernelError) -> [String: UInt32] {
        var found: [String: UInt32] = [:]
        for uid in try pods() {
            let path = directories.users(uid)
            guard let text = try record(path) else { continue }
            guard let number = UInt32(text.filter { !$0.isWhitespace }), (1...Self.last).contains(number) else {
                throw KernelError("read the users of a pod from", "\(path), which is damaged: delete the pod", EINVAL)
            }
            found[uid] = number
        }
        return found
    }

    private func pods() throws(KernelError) -> [String] {
        do throws(KernelError) {
            return try OpenDirectory(directories.volatilePods).names()
        } catch {
            if error.code == ENOENT { return [] }
            throw error
        }
    }

    /// Nil for a pod that has the node's users.
    private func record(_ path: String) throws(KernelError) -> String? {
        do throws(KernelError) {
            let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
            return String(decoding: try WholeFile.read(file, path: path, limit: 64), as: UTF8.self)
        } catch {
            if error.code == ENOENT { return nil }
            throw KernelError("read the users of a pod from", "\(path), without which nobody gets any", error.code)
        }
    }
}

extension VolumeHost {
    func users(of uid: String) async throws(OperationError) -> PodUsers {
        let ranges = ranges
        do throws(KernelError) {
            let range = try await threads.run("users of pod") { () throws(KernelError) in try ranges.range(of: uid) }
            return PodUsers(users: range, groups: range)
        } catch {
            throw OperationError("FailedCreatePodSandBox", "no users of its own for the pod: \(error)")
        }
    }
}
