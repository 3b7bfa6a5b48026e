import CLaunch
import Glibc

/// A mount that is not attached anywhere yet: the safe way to hand a resolved file or directory to a container.
package struct DetachedMount: ~Copyable {
    private let tree: Descriptor

    /// A bind of `path`, whose links are followed. What is there later is not in it.
    package init(of path: String, recursive: Bool = false) throws(KernelError) {
        let copy = crt_tree(path, recursive ? 1 : 0)
        guard copy >= 0 else { throw KernelError("open_tree", path, -copy) }
        tree = Descriptor(owning: copy)
    }

    /// A bind of `path` beneath `directory`, resolved without leaving it by any link: a volume's subPath.
    package init(of path: String, beneath directory: String, recursive: Bool = false) throws(KernelError) {
        let base = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        let found = cmnt_open_beneath(base.raw, path)
        guard found >= 0 else { throw KernelError("open", "\(path) beneath \(directory)", -found) }
        let source = Descriptor(owning: found)
        try self.init(of: source.raw, path, recursive)
    }

    private init(of source: Int32, _ name: String, _ recursive: Bool) throws(KernelError) {
        let copy = cmnt_clone(source, recursive ? 1 : 0)
        guard copy >= 0 else { throw KernelError("open_tree", name, -copy) }
        tree = Descriptor(owning: copy)
    }

    /// Shows its files to a user namespace with these ids as if those on disk were the ids in it.
    package borrowing func map(_ namespace: borrowing Descriptor) throws(KernelError) {
        let code = cmnt_map(tree.raw, namespace.raw)
        guard code == 0 else { throw KernelError("map ids", "mount", -code) }
    }

    /// Attaches it at `path`, which is made as what it is, a directory or a file, where it is not there.
    package consuming func attach(at path: String) throws(KernelError) {
        var status = stat()
        guard fstat(tree.raw, &status) == 0 else { throw KernelError("stat", path) }
        if status.st_mode & S_IFMT == S_IFDIR {
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw KernelError("mkdir", path) }
        } else {
            _ = try Descriptor.open(path, O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o600)
        }
        let code = cmnt_attach(tree.raw, path)
        guard code == 0 else { throw KernelError("move_mount", path, -code) }
    }

    /// As a source in a launch plan. Good for one launch: attaching it uses it up.
    package consuming func shared() throws(KernelError) -> SharedDescriptor {
        SharedDescriptor(try tree.duplicate())
    }
}

/// Mounts in the host's namespace, for what several containers of a pod share.
package enum HostMount {
    /// Mounts a tmpfs on an existing directory, nosuid and nodev; options such as ["size": "64m", "mode": "1777"].
    package static func tmpfs(at directory: String, options: [String: String]) throws(KernelError) {
        let target = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        var bytes: [CChar] = []
        for (key, value) in options.sorted(by: { $0.key < $1.key }) {
            bytes.append(contentsOf: (value.isEmpty ? key : "\(key)=\(value)").utf8CString)
        }
        let code = cmnt_tmpfs(target.raw, bytes, UInt32(bytes.count))
        guard code == 0 else { throw KernelError("mount tmpfs", directory, -code) }
    }

    /// Mounts directories over one another, the topmost first, on an existing empty directory: read-only, nosuid and nodev. Fails with E2BIG where
    /// their names are more than a page, from some 220 on.
    /// - Parameter users: whose the files are to be; nil: the host's users'. The layers are mounted beside the directory meanwhile: an overlay itself cannot be mapped, and
    ///   takes no layers that are mounted nowhere.
    /// - Parameter label: what SELinux calls all in it; nil: what it calls the files themselves.
    package static func overlay(
        _ layers: [String], at directory: String, users: UserMaps? = nil, label: String? = nil
    ) throws(KernelError) {
        guard let users else { return try overlay(plain: layers, at: directory, label) }
        let namespace = try users.namespace()
        var places: [String] = []
        defer {
            for place in places {
                try? detach(FilePath(place))
                rmdir(place)
            }
        }
        for (index, layer) in layers.enumerated() {
            let tree = try DetachedMount(of: layer)
            do throws(KernelError) { try tree.map(namespace) } catch { throw KernelError("map ids", layer, error.code) }
            places.append("\(directory).\(index)")
            try tree.attach(at: places[index])
        }
        try overlay(plain: places, at: directory, label)
    }

    private static func overlay(
        plain layers: [String], at directory: String, _ label: String?
    ) throws(KernelError) {
        // By descriptor: what mount(2) takes as options is a page. The directory itself is the lowest, since an overlay has two or more.
        var open: [SharedDescriptor] = []
        var names: [String] = []
        for layer in layers + [directory] {
            let descriptor = SharedDescriptor(try Descriptor.open(layer, O_RDONLY | O_DIRECTORY))
            names.append(try descriptor.withRaw { "/proc/self/fd/\($0)" })
            open.append(descriptor)
        }
        let options = try overlayOptions(names, label: label)
        guard options.utf8.count < 4_096 else { throw KernelError("mount overlay", directory, E2BIG) }
        let code = withExtendedLifetime(open) { cmnt_overlay(directory, options) }
        guard code == 0 else { throw KernelError("mount overlay", directory, -code) }
    }

    /// As mount(2) takes them: a label is in quotes, since its level may have commas.
    /// - Throws: EINVAL where the label has a quote, which would end it, or a control character.
    static func overlayOptions(_ layers: [String], label: String?) throws(KernelError) -> String {
        let options = "lowerdir=" + layers.joined(separator: ":")
        guard let label else { return options }
        guard label.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\"") })
        else { throw KernelError("mount overlay", "label \(label)", EINVAL) }
        return options + ",context=\"\(label)\""
    }

    /// Detaches what is mounted at `path`; nothing mounted there, or no such path, is as good.
    package static func detach(_ path: FilePath) throws(KernelError) {
        let code = cmnt_detach(path.cString)
        guard code == 0 || code == -EINVAL || code == -ENOENT else { throw KernelError("umount", path, -code) }
    }
}
