/// A runtime whose sandboxes can be made ready again after their end. Not in the CRI.
package protocol ResumableRuntime: RuntimeService {
    /// Makes a stopped sandbox ready again, with new namespaces, and an address that may be another. Its containers stay as they are: ended.
    /// - Parameter config: as it was made with.
    /// - Throws: where it is not stopped; it is stopped where it could not be made ready.
    func resumePodSandbox(_ id: String, _ config: PodSandboxConfig) async throws(CRIError)

    /// Sends a signal to a container's first process.
    func signal(container id: String, _ signal: Int32) async throws(CRIError)

    /// Sets labels of a sandbox. They are on disk when this returns.
    func mark(sandbox id: String, _ labels: [String: String]) async throws(CRIError)
}
