import APIMachinery
import CRI
import KubernetesAPI
import Linux
import Logging
import OCI
import Synchronization

/// Frees room on the disk without ending a pod: dead containers with their logs, and images that no pod uses.
final class SpaceReclaimer: Sendable {
    private let runtime: any RuntimeService
    private let images: any ImageService
    private let claims: ImageClaims
    private let threads: BlockingThreads
    private let time: any TimeSource
    private let logger: Logger
    private let collection = Mutex(ImageCollection())
    /// What the runtime has refused and that was said: names of living pods' images, and ids of images that are there.
    private let refused = Mutex<Set<String>>([])

    init(
        runtime: any RuntimeService, images: any ImageService, claims: ImageClaims, threads: BlockingThreads,
        time: any TimeSource, logger: Logger
    ) {
        self.runtime = runtime
        self.images = images
        self.claims = claims
        self.threads = threads
        self.time = time
        self.logger = logger
    }

    /// Removes all that may go.
    func reclaim(_ pods: [Pod]) async {
        await removeDeadContainers(pods)
        await removeImages(pods, until: .max)
    }

    /// Removes what pulls have left, and then images that nobody uses until `bytes` are free, the longest unused first. May run twice at a time.
    func removeImages(_ pods: [Pod], until bytes: Int64) async {
        for pod in pods where pod.isFinished { claims.forget(podUID: pod.metadata.uid) }
        do throws(CRIError) {
            try await images.removeLeftovers()
        } catch {
            logger.info("what pulls have left was not removed", metadata: ["error": "\(error)"])
        }
        guard let (list, used) = try? await look(pods) else { return }
        let now = time.uptime()
        let candidates = collection.withLock { $0.unused(list, used: used, at: now) }
        var freed: Int64 = 0
        for image in candidates where freed < bytes && claims.beginRemoval(of: image.id) {
            defer { claims.endRemoval(of: image.id) }
            do throws(CRIError) {
                guard try await images.imageStatus(image.id) != nil else { continue }
                try await images.removeImage(image.id)
                freed += Int64(clamping: image.size)
                logger.info("removed an image that no pod uses", metadata: ["image": "\(image.tags.first ?? image.id)"])
            } catch {
                // A container took it meanwhile.
                note(refusal: image.id, "an image was not removed", error)
            }
        }
    }

    /// Says once what the runtime refuses.
    private func note(refusal of: String, _ message: Logger.Message, _ error: CRIError) {
        guard refused.withLock({ $0.insert(of).inserted }) else { return }
        logger.info(message, metadata: ["image": "\(of)", "error": "\(error)"])
    }

    /// Notes which images are used now.
    /// - Throws: where the runtime does not say so: none is taken for unused then.
    @discardableResult
    func look(_ pods: [Pod]) async throws(CRIError) -> (images: [Image], used: Set<String>) {
        let list = try await images.listImages()
        guard list.contains(where: { !$0.isPinned }) else { return (list, []) }
        let containers = try await runtime.listContainers(ContainerFilter())
        var used = Set(containers.flatMap { [$0.imageID] + $0.mounts.compactMap(\.imageID) })
        let names = Set(pods.filter { !$0.isFinished }.flatMap(\.spec.imageNames))
        refused.withLock { $0.formIntersection(names.union(list.map(\.id))) }
        for name in names {
            guard let reference = try? ImageReference(name) else { continue }
            do throws(CRIError) {
                if let image = try await images.imageStatus(name) { used.insert(image.id) }
            } catch {
                // No answer is none about the name.
                if case .timedOut = error { throw error }
                note(refusal: name, "a name of an image is refused; what the list of images says of it holds", error)
                used.formUnion(list.filter { $0.bears(name, reference) }.map(\.id))
            }
        }
        let now = time.uptime()
        collection.withLock { [used] in $0.note(list, used: used, at: now) }
        return (list, used)
    }

    private func removeDeadContainers(_ pods: [Pod]) async {
        let all = (try? await runtime.listContainers(ContainerFilter())) ?? []
        let dead = DeadContainers.list(
            all, finished: Set(pods.filter(\.isFinished).map(\.metadata.uid)), known: Set(pods.map(\.metadata.uid)))
        for container in dead {
            do throws(CRIError) {
                try await runtime.removeContainer(container.id)
            } catch {
                logger.info(
                    "a dead container was not removed", metadata: ["container": "\(container.id)", "error": "\(error)"])
                continue
            }
            await removeLog(container.logPath)
        }
    }

    /// With those that it was rotated to.
    private func removeLog(_ path: String) async {
        guard !path.isEmpty else { return }
        _ = try? await threads.run("remove a log") { () throws(KernelError) in
            for suffix in [""] + (1...9).map({ ".\($0)" }) { try TreeRemoval.remove(path + suffix) }
        }
    }
}

extension Image {
    fileprivate func bears(_ name: String, _ reference: ImageReference) -> Bool {
        ([id] + tags + digests).contains { own in
            if own == name { return true }
            guard let own = try? ImageReference(own) else { return false }
            guard let digest = reference.digest else { return own == reference }
            return own.name == reference.name && own.digest == digest
        }
    }
}

extension Pod {
    /// As the API server has it.
    fileprivate var isFinished: Bool { ["Failed", "Succeeded"].contains(self.status.phase) }
}
