import APIMachinery
import Glibc
import JSONTree
import KubernetesAPI
import Linux
import Logging

/// Static pods: each file of a directory is one Pod. The directory is watched, so a file put there runs at once, also with no API server.
struct ManifestDirectory: Sendable {
    enum Change: Sendable {
        case set(Pod)
        case removed(uid: String)
        case synced
    }

    /// Empty: no static pods.
    let path: String
    let node: String
    let threads: BlockingThreads
    let events: EventThread
    let logger: Logger

    /// Tells what happens to the static pods, the present ones first, until its task is cancelled.
    func follow(_ tell: (Change) -> Void) async {
        guard !path.isEmpty else { return tell(.synced) }
        var known: [String: Pod] = [:]
        await look(&known, tell)
        tell(.synced)
        guard let watch = watch() else { return }
        while !Task.isCancelled, (try? await watch.read()) != nil {
            await look(&known, tell)
        }
        watch.close()
    }

    private func watch() -> DescriptorStream? {
        let raw = inotify_init1(Int32(IN_CLOEXEC))
        guard raw >= 0 else { return nil }
        let descriptor = Descriptor(owning: raw)
        let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
        guard inotify_add_watch(raw, path, mask) >= 0 else {
            logger.warning("cannot watch the manifests of static pods", metadata: ["directory": "\(path)"])
            return nil
        }
        return DescriptorStream(descriptor, events: events)
    }

    /// Reads the directory and tells what differs from `known`.
    private func look(_ known: inout [String: Pod], _ tell: (Change) -> Void) async {
        let directory = path
        let files = try? await threads.run("read manifests") { () throws(KernelError) in
            try Self.manifests(in: directory)
        }
        guard let files else { return logger.error("manifests cannot be read", metadata: ["directory": "\(path)"]) }
        let found = Dictionary(files.compactMap { name, bytes in read(name, bytes).map { (name, $0) } }) { $1 }
        // What goes first: a manifest under another name needs the room and the ports that it had.
        for (name, old) in known.sorted(by: { $0.key < $1.key }) {
            if found[name] == nil { known[name] = nil }
            if found[name]?.metadata.uid != old.metadata.uid { tell(.removed(uid: old.metadata.uid)) }
        }
        for (name, pod) in found.sorted(by: { $0.key < $1.key }) where known[name] != pod {
            known[name] = pod
            tell(.set(pod))
        }
    }

    /// Fails where the node has not what it takes to read one (EMFILE, EIO): no pod must end for that. What is no manifest is passed over.
    private static func manifests(in directory: String) throws(KernelError) -> [(String, [UInt8])] {
        var files: [(String, [UInt8])] = []
        for name in try OpenDirectory(directory).names()
        where !name.hasPrefix(".") && ["yaml", "yml", "json"].contains(name.fileExtension) {
            do throws(KernelError) {
                files.append((name, try WholeFile.read("\(directory)/\(name)")))
            } catch  where [ENOENT, EFBIG, EINVAL, EISDIR, ELOOP].contains(error.code) {
                continue
            }
        }
        return files
    }

    private func read(_ name: String, _ bytes: [UInt8]) -> Pod? {
        do {
            guard var value = try YAML.documents(in: bytes).first else { return nil }
            Pod.schema.applyDefaults(&value)
            var pod = try Pod(checking: value)
            pod.metadata.name = "\(pod.metadata.name)-\(node)"
            if pod.metadata.namespace.isEmpty { pod.metadata.namespace = "default" }
            pod.metadata.uid = Self.identity(name, bytes)
            pod.metadata.annotations[StaticPodAnnotation.source] = "file"
            pod.metadata.annotations[StaticPodAnnotation.hash] = pod.metadata.uid
            pod.spec.nodeName = node
            // Taints do not end what a manifest runs; its mirror alone would come and go.
            pod.spec.tolerations.append(
                Toleration {
                    $0.operator = "Exists"
                    $0.effect = "NoExecute"
                })
            if let refusal = pod.refusalAsStatic { throw ManifestError(description: refusal) }
            return pod
        } catch {
            logger.error(
                "a manifest of a static pod is not valid; mend the file",
                metadata: ["file": "\(path)/\(name)", "error": "\(error)"])
            return nil
        }
    }

    /// A changed manifest is another pod, so the identity is a hash of the file (FNV-1a, 128 bits in two halves).
    static func identity(_ name: String, _ bytes: [UInt8]) -> String {
        var low: UInt64 = 0xcbf2_9ce4_8422_2325
        var high: UInt64 = 0x8422_2325_cbf2_9ce4
        for byte in Array(name.utf8) + [0] + bytes {
            low = (low ^ UInt64(byte)) &* 0x100_0000_01b3
            high = (high ^ UInt64(byte) ^ (low >> 32)) &* 0x100_0000_01b3
        }
        return hex(high) + hex(low)
    }

    private static func hex(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}

private struct ManifestError: Error, CustomStringConvertible {
    let description: String
}

extension String {
    fileprivate var fileExtension: String {
        lastIndex(of: ".").map { String(self[index(after: $0)...]) } ?? ""
    }
}
