import APIMachinery
import CRI
import KubernetesAPI
import Linux
import OCI

extension PodExecutor {
    /// Makes sure that the images which a container needs are there, as their pull policies say.
    /// - Parameter held: those that were pulled in vain, and are not asked for again yet.
    func ensureImages(
        of name: String, _ pod: Pod, _ observation: PodObservation, held: Set<String>
    ) async -> PodOutcome {
        let last = observation.newest(name)
        let earlier = Set([last?.imageID].compactMap(\.self) + (last?.mounts ?? []).compactMap(\.imageID))
        let demands = pod.spec.imageDemands(of: name)
        claims.keep(Set(demands.map(\.image)), by: pod.metadata.uid, container: name)
        var ids: [String: String] = [:]
        for demand in demands {
            do throws(OperationError) {
                ids[demand.image] = try await claim(
                    demand, for: name, of: pod, earlier: earlier, isPullHeld: held.contains(demand.image))
            } catch {
                return .imageMissing(demand, reason: error.reason, message: error.message)
            }
        }
        return .imagesPresent(ids)
    }

    /// As `ensure`, and keeps the image from then on: room may be made at any moment.
    private func claim(
        _ demand: ImageDemand, for container: String, of pod: Pod, earlier: Set<String>, isPullHeld: Bool
    ) async throws(OperationError) -> String {
        let (image, uid) = (demand.image, pod.metadata.uid)
        for _ in 0..<2 {
            let removals = claims.removals
            let id = try await ensure(demand, of: pod, earlier: earlier, isPullHeld: isPullHeld)
            if await claims.claim(id, as: image, by: uid, container: container, since: removals) { return id }
            let present = try await criOperation(ImageFailure.inspect) { () async throws(CRIError) in
                try await images.imageStatus(id)
            }
            if present != nil { return id }
        }
        throw OperationError(ImageFailure.inspect, "Image \"\(image)\" was removed as soon as it was there")
    }

    /// - Parameter earlier: the ids of the images that the container ran with before.
    /// - Returns: the image's id.
    private func ensure(
        _ demand: ImageDemand, of pod: Pod, earlier: Set<String>, isPullHeld: Bool
    ) async throws(OperationError) -> String {
        let image = demand.image
        let reference = try Self.reference(image)
        if demand.policy != "Always" {
            let present = try await criOperation(ImageFailure.inspect) { () async throws(CRIError) in
                try await images.imageStatus(image)
            }
            if let present, try await isOpen(present.id, reference, demand, of: pod, earlier: earlier) {
                record(
                    pod, false, "Pulled", "Container image \"\(image)\" already present on machine", demand.container)
                return present.id
            }
            guard demand.policy != "Never" else { throw Self.neverPull(image, isPresent: present != nil) }
        }
        guard !isPullHeld else { throw OperationError(ImageFailure.backOff, "Back-off pulling image \"\(image)\"") }
        return try await pull(image, reference, for: demand.container, of: pod)
    }

    /// Whether the pod may use an image that is there without asking its registry. A container that ran with it had the right to: it starts again also
    /// while its Secrets cannot be read.
    private func isOpen(
        _ id: String, _ reference: ImageReference, _ demand: ImageDemand, of pod: Pod, earlier: Set<String>
    ) async throws(OperationError) -> Bool {
        guard !earlier.contains(id) else { return true }
        let access: ImageAccess
        do throws(KernelError) {
            access = try await pulls.access(to: reference.ledgerName, of: reference.name, as: id)
        } catch {
            throw OperationError(ImageFailure.inspect, "Failed to inspect image \"\(demand.image)\": \(error)")
        }
        guard access != .everyone else { return true }
        let keyring = await keyring(of: pod, container: demand.container)
        return access.isOpen(to: keyring.credentials(for: reference).map(\.source))
    }

    private static func neverPull(_ image: String, isPresent: Bool) -> OperationError {
        OperationError(
            ImageFailure.neverPull,
            isPresent
                ? "Container image \"\(image)\" is present with pull policy of Never, but it was pulled with credentials that this pod does not have; "
                    + "name a Secret with them in imagePullSecrets"
                : "Container image \"\(image)\" is not present with pull policy of Never; "
                    + "add it on the node with `swiftlet images add \(image) PATH`")
    }

    private static func reference(_ image: String) throws(OperationError) -> ImageReference {
        do throws(OCIError) {
            return try ImageReference(image)
        } catch {
            throw OperationError(
                ImageFailure.invalidName, "Failed to apply default image tag \"\(image)\": couldn't parse \(error)")
        }
    }

    private func pull(
        _ image: String, _ reference: ImageReference, for container: String?, of pod: Pod
    ) async throws(OperationError) -> String {
        let keyring = await keyring(of: pod, container: container)
        record(pod, false, "Pulling", "Pulling image \"\(image)\"", container)
        let start = time.uptime()
        let (id, size) = try await recorded(image, reference) { () async throws(OperationError) in
            try await pull(image, as: keyring.credentials(for: reference))
        }
        let took = (time.uptime() - start).goText
        record(
            pod, false, "Pulled",
            "Successfully pulled image \"\(image)\" in \(took) (\(took) including waiting). Image size: \(size) bytes.",
            container)
        return id
    }

    /// A pull that is written down before it begins and when it has ended.
    private func recorded(
        _ image: String, _ reference: ImageReference,
        _ pull: () async throws(OperationError) -> (reference: String, secret: PullSecret?)
    ) async throws(OperationError) -> (id: String, size: UInt64) {
        let name = reference.ledgerName
        let pulled: (reference: String, secret: PullSecret?)
        // Rarely, and then for as long as the runtime does not answer, which a pull needs too.
        while (try? await pulls.isUnsettled()) == true && !Task.isCancelled {
            try? await time.sleep(for: .milliseconds(100))
        }
        let present = (try? await images.imageStatus(image))?.id
        do throws(OperationError) {
            try await write { $0.begin(name, of: reference.name, present: present) }
            pulled = try await pull()
        } catch {
            try? await pulls.change { $0.fail(name) }
            throw error
        }
        // By the id that it is found by later: another runtime may answer a pull with a digest.
        let brought = try? await images.imageStatus(pulled.reference)
        let id = brought?.id ?? pulled.reference
        try await write { $0.succeed(name, of: reference.name, as: id, with: pulled.secret) }
        return (id, brought?.size ?? 0)
    }

    private func write(_ change: @escaping @Sendable (inout PullLedger) -> Void) async throws(OperationError) {
        do throws(KernelError) {
            try await pulls.change(change)
        } catch {
            throw OperationError(ImageFailure.pull, "\(error)")
        }
    }

    /// With each of the credentials until one is let in; without where there are none.
    private func pull(
        _ image: String, as credentials: [RegistryCredential]
    ) async throws(OperationError) -> (reference: String, secret: PullSecret?) {
        var failures: [String] = []
        for credential in credentials.isEmpty ? [nil] : credentials.map(Optional.some) {
            do throws(CRIError) {
                return (try await images.pullImage(image, auth: credential?.auth), credential?.source)
            } catch {
                failures.append(error.description)
            }
        }
        throw Self.pullFailure(
            image, failures.count == 1 ? failures[0] : "[" + failures.joined(separator: ", ") + "]")
    }

    private static func pullFailure(_ image: String, _ message: String) -> OperationError {
        let kinds = [
            (ImageFailure.registryUnavailable, "the registry is unavailable"),
            (ImageFailure.badSignature, "the signature validation failed"),
        ]
        for (reason, words) in kinds where message.hasPrefix(reason) {
            return OperationError(
                reason, "image pull failed for \(image) because \(words)\(message.dropFirst(reason.count))")
        }
        return OperationError(ImageFailure.pull, message)
    }

    /// The credentials of the pod's Secrets. Those that cannot be had are told, and the pull goes on without them.
    private func keyring(of pod: Pod, container: String?) async -> RegistryKeyring {
        var keyring = RegistryKeyring()
        var missing: [String] = []
        for name in pod.spec.imagePullSecrets.map(\.name) where !name.isEmpty {
            guard let secret = try? await objects.secret(name, in: pod.metadata.namespace) else {
                missing.append(name)
                continue
            }
            do throws(RegistryKeyringError) {
                try keyring.add(secret)
            } catch {
                record(pod, true, "FailedToRetrieveImagePullSecret", error.description, container)
            }
        }
        if !missing.isEmpty {
            record(
                pod, true, "FailedToRetrieveImagePullSecret",
                "Unable to retrieve some image pull secrets (\(missing.joined(separator: ", "))); "
                    + "attempting to pull the image may not succeed.", container)
        }
        return keyring
    }
}

extension PodExecutor {
    /// What the ledger has of images that were removed, and of pulls that an earlier kubelet did not see the end of. What is not settled is
    /// asked for at its registry; pods that need no pull do not wait for it.
    func settlePulls() async {
        while !Task.isCancelled {
            if let images = try? await images.listImages() {
                let names = images.map { ($0.id, Self.ledgerNames($0)) }
                let present = Dictionary(names, uniquingKeysWith: { $0.union($1) })
                try? await pulls.change { $0.settle(present) }
                return
            }
            try? await time.sleep(for: .seconds(1))
        }
    }

    private static func ledgerNames(_ image: Image) -> Set<String> {
        Set((image.tags + image.digests).compactMap { (try? ImageReference($0))?.ledgerName })
    }
}

extension ImageReference {
    /// A digest says all, whatever tag is written beside it.
    fileprivate var ledgerName: String { digest.map { "\(name)@\($0)" } ?? description }
}

extension Duration {
    /// As Go prints it, in whole milliseconds: `532ms`, `1.25s`, `1m2.5s`.
    var goText: String {
        let (whole, attoseconds) = components
        let thousandths = attoseconds / 1_000_000_000_000_000
        guard whole > 0 else { return thousandths == 0 ? "0s" : "\(thousandths)ms" }
        var fraction = String(1_000 + thousandths).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        let (hours, minutes) = (whole / 3_600, whole / 60 % 60)
        return (hours > 0 ? "\(hours)h" : "") + (whole >= 60 ? "\(minutes)m" : "") + "\(whole % 60)"
            + (fraction.isEmpty ? "" : "." + fraction) + "s"
    }
}
