import CRI
import Glibc
import Linux

/// SELinux labels of what a container shares with the host.
extension NodeRuntime {
    /// Says once what stands in the way where every pod is to be labelled. Blocks.
    func warnOfMissingLabels() {
        guard labelsEveryPod else { return }
        do throws(KernelError) {
            guard let contexts = try kernel.selinux() else {
                return logger.warning("enable-selinux has no effect: this kernel runs without SELinux")
            }
            if contexts.process == nil { logger.warning("\(SELinuxDecision.noStandardLabel)") }
        } catch {
            logger.warning("enable-selinux: the policy cannot be read", metadata: ["cause": "\(error)"])
        }
    }

    /// The mounts that ask for it, the pod's own files and the pod's shared memory get the label of the container's files. A tree may be large: this ends
    /// with an error where its task is cancelled, and once the pod's stop or the runtime's end has begun.
    /// - Returns: those of the mounts that paths name, by their place in the configuration, as they are to be mounted: a path may lead elsewhere by now.
    func relabel(_ label: String?, _ input: ContainerPlanInput) async throws(CRIError) -> [Int: SharedDescriptor] {
        guard let label else { return [:] }
        let outcome = await withTaskCancellationHandler {
            await relabelAlone(label, input)
        } onCancel: {
            state.withLock { $0.containers[input.id]?.isGivenUp = true }
        }
        let object = "container \(input.config.metadata.name)"
        do throws(KernelError) {
            return try outcome.get()
        } catch  where error.code == ECANCELED {
            throw .failed(
                "\(object): \(error.object) is not labelled to its end, since the pod or this daemon is stopped")
        } catch  where error.code == ENOENT {
            throw .failed("\(object): \(Self.missingSource(error.object))")
        } catch {
            throw .failed("\(object): \(error)")
        }
    }

    private func relabelAlone(
        _ label: String, _ input: ContainerPlanInput
    ) async -> Result<[Int: SharedDescriptor], KernelError> {
        do throws(KernelError) {
            let trees = try await BlockingThreads.alone("label files") { [self] () throws(KernelError) in
                let isOver: @Sendable () -> Bool = { [self] in isGivenUp(input) }
                var trees: [Int: SharedDescriptor] = [:]
                for (index, mount) in input.config.mounts.enumerated() where mount.isRelabelled && mount.image == nil {
                    if input.trees[index] == nil { trees[index] = try source(of: mount) }
                    guard let tree = input.trees[index] ?? trees[index] else { continue }
                    let path = mount.subPath.isEmpty ? mount.hostPath : mount.hostPath + "/" + mount.subPath
                    let own = mount.sharesLabel ? SELinuxLabel.shared(label) : label
                    try kernel.label(tree, own, path: path, isGivenUp: isOver)
                }
                var own = PodFiles.names.map { paths.podFiles(of: input.sandbox) + "/" + $0 }
                // What its containers fill.
                if input.sandbox.ipc != .node { own.append(paths.deviceMemory(of: input.sandbox)) }
                for path in own { try kernel.label(path, label, isGivenUp: isOver) }
                return trees
            }
            return .success(trees)
        } catch {
            return .failure(error)
        }
    }

    private func source(of mount: CRI.Mount) throws(KernelError) -> SharedDescriptor {
        if mount.isMadeWhereMissing, access(mount.hostPath, F_OK) != 0, errno == ENOENT {
            try WholeFile.makeDirectories(mount.hostPath)
        }
        return try DetachedMount(of: mount.hostPath, recursive: true).shared()
    }

    private func isGivenUp(_ input: ContainerPlanInput) -> Bool {
        state.withLock { state in
            state.isClosed || state.sandboxes[input.sandbox.id]?.isStopping != false
                || state.containers[input.id]?.isGivenUp != false
        }
    }
}
