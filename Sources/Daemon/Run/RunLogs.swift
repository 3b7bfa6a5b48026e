import Linux

/// The logs of detached containers, a directory for each, named for its sandbox's uid. The uid says in which boot it was made: the records, by which
/// a log is found, live no longer than that.
struct RunLogs: Sendable {
    let directory: String
    /// Eight digits that tell this boot from others.
    let boot: String

    init(_ directory: String, bootID: String) {
        self.directory = directory
        boot = String(bootID.prefix(8))
    }

    func path(of uid: String) -> String { "\(directory)/\(uid)" }

    /// One that no other has.
    func uid(_ generator: inout some RandomNumberGenerator) -> String {
        "session-\(boot)-" + String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
    }

    /// Removes the logs of none: those of earlier boots, and empty ones. Blocks.
    /// - Parameter known: the uids that records speak of. A log goes before its record does, so that one of this boot without a record is one whose record was
    ///   damaged: what the container wrote is all that is left of it.
    /// - Returns: the paths of those, which are kept.
    func sweep(known: Set<String>) throws(KernelError) -> [String] {
        var kept: [String] = []
        for uid in try OwnFiles.names(in: directory) where !known.contains(uid) {
            let path = path(of: uid)
            if uid.hasPrefix("session-\(boot)-"), try holdsBytes(path) {
                kept.append(path)
            } else {
                try TreeRemoval.remove(path)
            }
        }
        return kept
    }

    private func holdsBytes(_ path: String) throws(KernelError) -> Bool {
        let log = try OpenDirectory(path)
        for name in try log.fileNames() where try log.status(of: name).st_size > 0 { return true }
        return false
    }
}
