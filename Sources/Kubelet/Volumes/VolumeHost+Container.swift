import APIMachinery
import CRI
import Glibc
import KubernetesAPI
import Linux

extension VolumeHost {
    /// The mounts that a container's `volumeMounts` ask for. Pure.
    func mounts(
        of container: Container, _ pod: Pod, environment: [String: String]
    ) throws(ContainerConfigError) -> [CRI.Mount] {
        var mounts: [CRI.Mount] = []
        for request in container.volumeMounts {
            guard let volume = pod.spec.volumes.first(where: { $0.name == request.name }) else {
                throw ContainerConfigError(message: "volume \"\(request.name)\" is not in the pod")
            }
            var mount = CRI.Mount(
                hostPath: path(of: volume, pod), containerPath: request.mountPath,
                isReadOnly: request.readOnly || volume.isReadOnly)
            switch request.mountPropagation {
            case "HostToContainer": mount.propagation = .hostToContainer
            case "Bidirectional": mount.propagation = .bidirectional
            default: break
            }
            mount.isRecursivelyReadOnly = mount.isReadOnly && request.isRecursivelyReadOnly
            mount.isRelabelled = volume.isOfPod
            if let image = volume.image {
                mount.hostPath = ""
                mount.propagation = .private
                mount.image = image.reference
            }
            mount.subPath = try request.path(in: environment)
            mounts.append(mount)
        }
        return mounts
    }

    func environmentFiles(
        _ keys: [EnvironmentFilePlace: Set<String>], _ pod: Pod
    ) async throws(ContainerConfigError) -> [EnvironmentFilePlace: [String: String]] {
        guard !keys.isEmpty else { return [:] }
        var roots: [String: String] = [:]
        for name in Set(keys.keys.map(\.volume)).sorted() {
            guard let volume = pod.spec.volumes.first(where: { $0.name == name }), volume.isEmptyDirectory else {
                throw ContainerConfigError(
                    message: "cannot find the volume \"\(name)\" referenced by FileKeyRef: it must be an emptyDir")
            }
            roots[name] = path(of: volume, pod)
        }
        let values: Result<[EnvironmentFilePlace: [String: String]], ContainerConfigError>
        do throws(KernelError) {
            values = try await threads.run("read environment files") { [roots] () throws(KernelError) in
                Result { () throws(ContainerConfigError) in try Self.environment(keys, in: roots) }
            }
        } catch {
            throw ContainerConfigError(message: "couldn't parse env file: \(error)")
        }
        return try values.get()
    }

    /// - Parameter roots: of the volumes, by their names.
    private static func environment(
        _ keys: [EnvironmentFilePlace: Set<String>], in roots: [String: String]
    ) throws(ContainerConfigError) -> [EnvironmentFilePlace: [String: String]] {
        var values: [EnvironmentFilePlace: [String: String]] = [:]
        var left = EnvironmentFile.limitOfAll
        for (place, names) in keys.sorted(by: { ($0.key.volume, $0.key.path) < ($1.key.volume, $1.key.path) }) {
            let bytes = try environmentFile(place, in: roots[place.volume] ?? "")
            left -= bytes.count
            guard left >= 0 else {
                throw ContainerConfigError(
                    message:
                        "the files referenced by FileKeyRef have more than \(EnvironmentFile.limitOfAll >> 20) MiB in all"
                )
            }
            do throws(EnvironmentFile.Fault) {
                values[place] = try EnvironmentFile(bytes).values(of: names)
            } catch {
                throw ContainerConfigError(message: "couldn't parse env file: \(place): \(error)")
            }
        }
        return values
    }

    /// - Throws: where the file is for the pod, not where it is on the host.
    private static func environmentFile(
        _ place: EnvironmentFilePlace, in root: String
    ) throws(ContainerConfigError) -> [UInt8] {
        do throws(KernelError) {
            let file = try OpenDirectory(root).fileInRoot(FilePath(place.path))
            return try WholeFile.read(file, path: place.path, limit: EnvironmentFile.limit)
        } catch {
            throw ContainerConfigError(
                message: "couldn't parse env file: \(place): \(KernelError.text(of: error.code))")
        }
    }

    /// Writes the files every container has: /etc/hosts and the one its termination message goes to.
    func prepareContainer(
        _ container: Container, _ pod: Pod, attempt: UInt32, addresses: [String], hostNames: [String]
    ) async throws(OperationError) -> ContainerFiles {
        let uid = pod.metadata.uid
        let termination = directories.terminationLog(uid, container.name, attempt: attempt)
        let hosts = directories.hosts(uid)
        let root = directories.written(uid)
        // The last words of the one before are still asked for. What a container has added is taken back, so that there is space.
        let older = directories.terminationLog(uid, container.name, attempt: attempt &- 2)
        try await run("files of container \"\(container.name)\"") { () throws(KernelError) in
            try Self.mountMemory(root, options: "mode=755,size=1m")
            try FileOperations.makeDirectories("\(root)/termination")
            for name in FileOperations.names(in: "\(root)/termination") {
                FileOperations.cut("\(root)/termination/\(name)", to: Self.messageLimit)
            }
            unlink(older)
            try FileOperations.write([], to: termination, mode: 0o666)
            let text = HostsFile.bytes(of: pod, addresses: addresses, hostNames: hostNames)
            // One that is as it should be stays: another container of the pod may be about to mount it.
            if FileOperations.read(hosts, limit: text.count + 1) != text {
                FileOperations.cut(hosts, to: text.count)
                try FileOperations.write(text, to: hosts, mode: 0o644)
            }
        }
        var mounts = [CRI.Mount(hostPath: termination, containerPath: container.terminationMessagePath)]
        mounts[0].isRelabelled = true
        if !container.volumeMounts.contains(where: { $0.mountPath == "/etc/hosts" }) {
            mounts.append(CRI.Mount(hostPath: hosts, containerPath: "/etc/hosts"))
            mounts[1].isRelabelled = true
        }
        return ContainerFiles(mounts: mounts, terminationFile: termination)
    }

    /// Resolved by descriptor, and bound before the runtime sees a path: what the pod does in the volume meanwhile changes nothing. Bound anew for each container, and taken
    /// away with the pod.
    func bound(_ mounts: [CRI.Mount], of container: String, _ pod: Pod) async throws(OperationError) -> [CRI.Mount] {
        let inVolumes = mounts.indices.filter { !mounts[$0].subPath.isEmpty && mounts[$0].image == nil }
        guard !inVolumes.isEmpty else { return mounts }
        let directory = directories.subPaths(pod.metadata.uid, container)
        return try await run("paths within volumes of container \"\(container)\"") { () throws(KernelError) in
            try FileOperations.makeDirectories(directory)
            var bound = mounts
            for index in inVolumes {
                let place = "\(directory)/\(index)"
                try HostMount.detach(FilePath(place))
                try DetachedMount.within(mounts[index].hostPath, path: mounts[index].subPath).attach(at: place)
                bound[index].hostPath = place
                bound[index].subPath = ""
            }
            return bound
        }
    }

    private static let messageLimit = 4_096

    /// What an ended container left as its last words: its termination file, or, where its policy says so and it failed in silence, the end of its log.
    func terminationMessage(_ status: CRI.ContainerStatus) async -> String {
        guard status.message.isEmpty, let path = status.annotations[ContainerLabel.terminationMessage] else {
            return status.message
        }
        let isLogTaken =
            status.annotations[ContainerLabel.terminationPolicy] == "FallbackToLogsOnError" && status.exitCode != 0
        let bytes = try? await threads.run("read \(path)") { () throws(KernelError) in
            let own = FileOperations.read(path, limit: Self.messageLimit) ?? []
            guard own.isEmpty, isLogTaken else { return own }
            return LogLine.lastWords(FileOperations.end(of: status.logPath, limit: 64 << 10))
        }
        return String(decoding: bytes ?? [], as: UTF8.self)
    }
}

extension Volume {
    /// What comes from the API or from an image cannot be written from inside.
    var isReadOnly: Bool {
        self.configMap != nil || self.secret != nil || self.projected != nil || self.downwardAPI != nil
            || self.image != nil
    }

    /// Made for the pod, and gone with it.
    fileprivate var isOfPod: Bool { self.hostPath == nil && self.image == nil }
}

extension VolumeMount {
    /// The path within the volume, empty for the whole of it. What `subPathExpr` names must have a value: without it, the path would be another one, up to
    /// the whole volume.
    fileprivate func path(in environment: [String: String]) throws(ContainerConfigError) -> String {
        var path = self.subPath ?? ""
        if let text = self.subPathExpr, !text.isEmpty {
            var missing: Set<String> = []
            var budget = ExpansionBudget(
                Int(PATH_MAX) - 1,
                "the subPathExpr of volume mount \"\(self.name)\" makes a path of more than \(PATH_MAX - 1) bytes")
            path = try budget.expand(text) { name in
                let value = environment[name] ?? ""
                if value.isEmpty { missing.insert(name) }
                return value
            }
            guard missing.isEmpty else {
                throw ContainerConfigError(message: "missing value for \(missing.sorted().joined(separator: ", "))")
            }
        }
        guard path.utf8.first != UInt8(ascii: "/") else {
            throw ContainerConfigError(message: "error SubPath `\(path)` must not be an absolute path")
        }
        guard !path.pathComponents.contains("..") else {
            throw ContainerConfigError(message: "subPath \"\(path)\" leaves the volume")
        }
        return path
    }

    /// Where the runtime can do so.
    var isRecursivelyReadOnly: Bool { ["Enabled", "IfPossible"].contains(self.recursiveReadOnly) }
}
