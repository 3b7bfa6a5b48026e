import CLaunch
import Glibc
import JSONTree
import Launch
import OCISpecification

/// One container's directory under the state root: its name is the claim on the id, `state.json` the record, `config.json` the configuration
/// as it was created from, `seccomp` the filter made of that, `start` the gate's socket, `now` the same where the gate may be opened with nothing else done.
///
/// Its content is worthless after a reboot, so nothing is synced.
package struct ContainerDirectory: Sendable {
    static let gate = CRT_GATE
    package let root: String
    package let id: String

    package init(root: String, id: String) throws(OCIRuntimeError) {
        let isClean =
            !id.isEmpty && id.utf8.count <= 255
            && id.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "_+-.".utf8.contains($0)
            }
        guard isClean, id != ".", id != ".." else {
            throw .usage("container id \"\(id)\": it must have 1 to 255 letters, digits, \"_\", \"+\", \"-\" or \".\"")
        }
        self.root = root
        self.id = id
    }

    package var path: String { root + "/" + id }

    static func makeRoot(_ root: String) throws(OCIRuntimeError) {
        if mkdir(root, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT else { throw .kernel(KernelError("mkdir", root)) }
        try kernel { () throws(KernelError) in try WholeFile.makeDirectories(root, mode: 0o700) }
    }

    /// Writes a file that means nothing as long as there is no record.
    func write(_ name: String, _ bytes: [UInt8]) throws(OCIRuntimeError) {
        let file = path + "/" + name
        try kernel { () throws(KernelError) in
            let descriptor = try Descriptor.open(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
            try WholeFile.write(bytes, to: descriptor, path: file)
        }
    }

    /// Writes the record to where it is not one yet.
    func prepare(_ state: ContainerState) throws(OCIRuntimeError) { try write(CRT_UNPUBLISHED, state.json.encoded()) }

    /// From here on there is such a container. Where `start` will have nothing to do but to open the gate, a second name says so.
    func publish(_ state: ContainerState) throws(OCIRuntimeError) {
        guard rename(path + "/" + CRT_UNPUBLISHED, path + "/" + CRT_RECORD) == 0 else {
            throw .kernel(KernelError("rename", path + "/" + CRT_UNPUBLISHED))
        }
        if !state.needsConfiguration { symlink(ContainerDirectory.gate, path + "/" + CRT_OPEN_AT_ONCE) }
    }

    /// The directory itself, whatever is at its path later.
    func held() throws(OCIRuntimeError) -> Descriptor {
        do throws(KernelError) { return try Descriptor.open(path, O_RDONLY | O_DIRECTORY) } catch {
            guard error.code == ENOENT else { throw .kernel(error) }
            throw missing
        }
    }

    /// That the one held is still at the path, and what was read from there is of it.
    func check(_ held: borrowing Descriptor) throws(OCIRuntimeError) {
        var (own, there) = (stat(), stat())
        guard fstat(held.raw, &own) == 0, lstat(path, &there) == 0, own.st_ino == there.st_ino else { throw missing }
    }

    private var missing: OCIRuntimeError { .state(container: id, cause: "there is no such container") }

    /// The gate is open and stays so.
    func removeGate(in held: borrowing Descriptor) {
        for name in [ContainerDirectory.gate, CRT_OPEN_AT_ONCE] { unlinkat(held.raw, name, 0) }
    }

    /// The record; an error where there is no such container or it was never finished.
    package func load() throws(OCIRuntimeError) -> ContainerState {
        let file = path + "/" + CRT_RECORD
        return try ContainerDirectory.parse(try bytes(file), file) { value throws(OCIError) in
            try ContainerState(try SpecificationReader(value, file: file))
        }
    }

    /// The configuration that the container was created from, without the members of these names.
    func configuration(leavingOut names: [String] = []) throws(OCIRuntimeError) -> RuntimeSpecification {
        let file = path + "/config.json"
        return try ContainerDirectory.parse(try bytes(file), file, leavingOut: names) { value throws(OCIError) in
            try RuntimeSpecification(value, file: file)
        }
    }

    /// A file that every container has.
    private func bytes(_ file: String) throws(OCIRuntimeError) -> [UInt8] {
        do throws(KernelError) { return try WholeFile.read(file, limit: 16 << 20) } catch {
            guard error.code == ENOENT else { throw .kernel(error) }
            guard access(path, F_OK) == 0 else { throw missing }
            throw .state(
                container: id, cause: "its creation is not finished: wait for that, or remove it with `delete --force`")
        }
    }

    static func parse<Result>(
        _ bytes: [UInt8], _ file: String, leavingOut names: [String] = [],
        _ body: (JSONValue) throws(OCIError) -> Result
    ) throws(OCIRuntimeError) -> Result {
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes, leavingOut: names) } catch {
            throw .specification(.field(file: file, field: "", cause: "\(error)"))
        }
        do throws(OCIError) { return try body(value) } catch { throw .specification(error) }
    }

    /// What the container is doing, by the kernel's word; an error where the kernel has none, for lack of memory or descriptors.
    package func status(_ state: ContainerState) throws(OCIRuntimeError) -> ContainerStatus {
        guard try ProcessFacts.start(of: state.processID) == state.processStart else { return .stopped }
        return try statusOfLiving(state)
    }

    /// The same where its first process is known to live.
    func statusOfLiving(_ state: ContainerState) throws(OCIRuntimeError) -> ContainerStatus {
        if isFrozen(state) { return .paused }
        guard access(path + "/" + ContainerDirectory.gate, F_OK) == 0 || errno != ENOENT else { return .running }
        // The gate is open as long as nobody has gone through it; EAGAIN is a queue before it.
        do throws(KernelError) { _ = try connectToGate() } catch {
            guard error.code != ENOENT && error.code != ECONNREFUSED else { return .running }
            guard error.code == EAGAIN else { throw .kernel(error) }
        }
        return .created
    }

    /// What is left of the configuration to be done, without reading it where nothing is.
    func remainingConfiguration(_ state: ContainerState) throws(OCIRuntimeError) -> RuntimeSpecification? {
        state.needsConfiguration ? try configuration() : nil
    }

    func isFrozen(_ state: ContainerState) -> Bool {
        guard let group = state.cgroup, let text = try? readText(group + "/cgroup.events") else { return false }
        return text.utf8.split(separator: UInt8(ascii: "\n")).contains { $0.elementsEqual("frozen 1".utf8) }
    }

    func connectToGate() throws(KernelError) -> SharedDescriptor {
        let folder = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
        let socket = cs_connect(folder.raw, ContainerDirectory.gate)
        guard socket >= 0 else { throw KernelError("connect", path + "/" + ContainerDirectory.gate, -socket) }
        return SharedDescriptor(Descriptor(owning: socket))
    }

    /// Takes the directory away; its files are known, so that nothing else is ever removed. The record goes late: a call that is killed
    /// on the way can be made again. Last goes the file that is locked: from then on the id may be claimed, and the directory be another's.
    func remove() throws(OCIRuntimeError) {
        let record = [CRT_UNPUBLISHED, CRT_RECORD, ContainerDirectory.filter, "config.json"]
        for name in [ContainerDirectory.gate, CRT_OPEN_AT_ONCE, "cgroup", "unit", "rootfs"] + record {
            unlink(path + "/" + name)
        }
        for _ in 0..<10 {
            if rmdir(path) == 0 || errno == ENOENT { return }
            guard errno == ENOTEMPTY || errno == EEXIST else { throw .kernel(KernelError("rmdir", path)) }
            if access(path + "/config.json", F_OK) == 0 { return }
        }
        let names = try ContainerDirectory.names(in: path).sorted().joined(separator: ", ")
        throw .state(container: id, cause: "\(path) holds what is not ours (\(names)); move that away and delete again")
    }

    /// The ids under a root; none where that is not there.
    static func ids(in root: String) throws(OCIRuntimeError) -> [String] {
        try names(in: root, DT_DIR).filter { !$0.hasPrefix(".") }.sorted()
    }

    /// What lies in a directory, of one kind or of all.
    private static func names(in path: String, _ kind: Int? = nil) throws(OCIRuntimeError) -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw .kernel(KernelError("read", path))
        }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            let isOfKind = kind.map { UInt8($0) == entry.pointee.d_type } ?? true
            if name != "." && name != ".." && isOfKind { found.append(name) }
        }
        return found
    }
}
