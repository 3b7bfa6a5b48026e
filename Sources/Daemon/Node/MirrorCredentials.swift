import CRI
import ContainerRuntime
import Glibc
import Kubelet
import Linux

/// As whom the mirrors of registries are asked: the setting `mirror-auth`, by their own hosts. What a registry is asked with is for the registry alone.
struct MirrorCredentials: Sendable {
    /// In the form of docker's `config.json`; empty: there is none.
    let path: String

    /// Read anew each time, so that a password that is changed counts at once. Blocks.
    func auth(for origin: RegistryOrigin, repository: String) throws(CRIError) -> RegistryAuth? {
        guard !path.isEmpty else { return nil }
        let bytes: [UInt8]
        do throws(KernelError) { bytes = try WholeFile.read(path, limit: 1 << 20) } catch {
            throw .failed("mirror-auth: \(error)")
        }
        var keyring = RegistryKeyring()
        do throws(RegistryKeyringError) { try keyring.add(bytes, path) } catch {
            throw .failed("mirror-auth: \(error)")
        }
        return keyring.auth(at: origin.hostField, repository: repository)
    }
}
