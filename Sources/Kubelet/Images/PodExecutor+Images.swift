import APIMachinery
import CRI
import KubernetesAPI
import OCI

extension PodExecutor {
    /// Makes sure that the images which a container needs are there, as their pull policies say.
    /// - Parameter held: those that were pulled in vain, and are not asked for again yet.
    func ensureImages(of name: String, _ pod: Pod, held: Set<String>) async -> PodOutcome {
        for demand in pod.spec.imageDemands(of: name) {
            do throws(OperationError) {
                try await ensure(demand, of: pod, isPullHeld: held.contains(demand.image))
            } catch {
                return .imageMissing(demand, reason: error.reason, message: error.message)
            }
        }
        return .success
    }

    private func ensure(_ demand: ImageDemand, of pod: Pod, isPullHeld: Bool) async throws(OperationError) {
        let image = demand.image
        let reference = try Self.reference(image)
        if demand.policy != "Always" {
            let present = try await criOperation(ImageFailure.inspect) { () async throws(CRIError) in
                try await images.imageStatus(image)
            }
            if present != nil {
                return record(
                    pod, false, "Pulled", "Container image \"\(image)\" already present on machine", demand.container)
            }
            guard demand.policy != "Never" else {
                throw OperationError(
                    ImageFailure.neverPull,
                    "Container image \"\(image)\" is not present with pull policy of Never; "
                        + "add it on the node with `swiftlet images add \(image) PATH`")
            }
        }
        guard !isPullHeld else { throw OperationError(ImageFailure.backOff, "Back-off pulling image \"\(image)\"") }
        try await pull(image, reference, for: demand.container, of: pod)
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
    ) async throws(OperationError) {
        let keyring = await keyring(of: pod, container: container)
        record(pod, false, "Pulling", "Pulling image \"\(image)\"", container)
        let start = time.uptime()
        let id = try await pull(image, as: keyring.credentials(for: reference))
        let size = (try? await images.imageStatus(id))??.size ?? 0
        let took = (time.uptime() - start).goText
        record(
            pod, false, "Pulled",
            "Successfully pulled image \"\(image)\" in \(took) (\(took) including waiting). Image size: \(size) bytes.",
            container)
    }

    /// With each of the credentials until one is let in; without where there are none.
    private func pull(_ image: String, as credentials: [RegistryAuth]) async throws(OperationError) -> String {
        var failures: [String] = []
        for auth in credentials.isEmpty ? [nil] : credentials.map(Optional.some) {
            do throws(CRIError) {
                return try await images.pullImage(image, auth: auth)
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
