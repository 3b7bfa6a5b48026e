import Glibc
import JSONTree
import Linux
import OCI

/// The records on disk: one small file each, replaced as a whole, written before what they announce is done. Not made durable: they describe
/// this boot's processes and mean nothing after another. Every call blocks.
struct RecordFiles: Sendable {
    let paths: RuntimePaths

    /// Makes the sandbox's directory with its first record.
    func create(_ record: SandboxRecord) throws(KernelError) {
        try WholeFile.makeDirectories(paths.containerRecords(of: record.id), mode: 0o700)
        try WholeFile.makeDirectories(paths.monitor(of: record.id), mode: 0o700)
        try write(record)
    }

    func write(_ record: SandboxRecord) throws(KernelError) {
        try WholeFile.replace(paths.sandboxRecord(record.id), with: record.json.encoded(), durable: false)
    }

    func write(_ record: ContainerRecord) throws(KernelError) {
        try WholeFile.replace(
            paths.containerRecord(record.id, in: record.sandbox), with: record.json.encoded(), durable: false)
    }

    func remove(_ record: ContainerRecord) throws(KernelError) {
        try TreeRemoval.remove(paths.containerRecord(record.id, in: record.sandbox))
        guard case .localhost = record.exec.seccomp else { return }
        try TreeRemoval.remove(paths.seccomp(of: record.id, in: record.sandbox))
    }

    /// Keeps a container's filter for later commands in it, whatever becomes of the profile that it was read from.
    func write(_ program: SeccompProgram, of record: ContainerRecord) throws(KernelError) {
        try WholeFile.replace(
            paths.seccomp(of: record.id, in: record.sandbox), with: program.instructions, durable: false)
    }

    /// Nil where none was kept, as by earlier releases.
    func seccomp(of record: ContainerRecord) throws(KernelError) -> SeccompProgram? {
        do throws(KernelError) {
            let path = paths.seccomp(of: record.id, in: record.sandbox)
            let bytes = try WholeFile.read(path, limit: 1 << 20)
            // Nothing less than a whole filter is taken for one.
            guard !bytes.isEmpty, bytes.count % 8 == 0 else { throw KernelError("read", "\(path)", EIO) }
            return SeccompProgram(instructions: bytes)
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
    }

    /// Removes what a daemon that died has left half-written. Of a directory that cannot be read `load` tells.
    func removeAbandoned() throws(KernelError) {
        for name in try OpenDirectory(paths.sandboxes).names() {
            let directory = paths.sandboxes + "/" + name
            for place in [directory, directory + "/containers"] { try? WholeFile.removeAbandoned(in: place) }
        }
    }

    /// A directory that a daemon left, with what could be read in it.
    struct Found: Sendable {
        var directory: String
        /// Nil where the record is missing or broken: the daemon went down before it was written, or the machine lost power.
        var sandbox: SandboxRecord?
        var containers: [ContainerRecord]
        /// What could not be read, for the log.
        var problems: [String]
    }

    func load() throws(KernelError) -> [Found] {
        var found: [Found] = []
        for name in try OpenDirectory(paths.sandboxes).names() {
            found.append(load(paths.sandboxes + "/" + name))
        }
        return found
    }

    private func load(_ directory: String) -> Found {
        var found = Found(directory: directory, sandbox: nil, containers: [], problems: [])
        do {
            found.sandbox = try SandboxRecord(try read(directory + "/sandbox.json"))
        } catch {
            found.problems.append("\(error)")
            return found
        }
        let records = directory + "/containers"
        let names = (try? OpenDirectory(records).names()) ?? []
        for name in names where name.hasSuffix(".json") {
            do {
                found.containers.append(try ContainerRecord(try read(records + "/" + name)))
            } catch {
                found.problems.append("\(error)")
            }
        }
        return found
    }

    private func read(_ path: String) throws -> SpecificationReader {
        try SpecificationReader(try JSONValue(parsing: try WholeFile.read(path, limit: 4 << 20)), file: path)
    }
}
