import CRI

/// The calls of a `RuntimeService`, for scripts and for the record of what was called.
package enum FakeRuntimeOperation: String, Sendable, Hashable {
    case version, status, runPodSandbox, stopPodSandbox, removePodSandbox, podSandboxStatus, listPodSandboxes
    case createContainer, startContainer, stopContainer, removeContainer, containerStatus, listContainers
    case updateContainerResources, reopenContainerLog, containerStats, podSandboxStats, writableLayer
    case containerTally, interfaces
    case execSync, exec, attach, portForward
    case resumePodSandbox, mark, signal
    /// One that fails gives a stream that has ended. Not recorded.
    case containerEvents
}

extension FakeRuntimeService {
    package struct Call: Sendable, Hashable {
        package var operation: FakeRuntimeOperation
        /// The id, or the name where the call creates something.
        package var object: String
    }

    /// Every call so far, in order.
    package var calls: [Call] { state.withLock { $0.calls } }

    /// Every sandbox and container, in the order of their making.
    package var sandboxes: [PodSandboxStatus] { state.withLock { $0.list(PodSandboxFilter()) } }
    package var containers: [ContainerStatus] { state.withLock { $0.list(ContainerFilter()) } }

    package func sandboxConfig(_ id: String) -> PodSandboxConfig? {
        state.withLock { $0.sandboxes[id]?.config }
    }

    package func containerConfig(_ id: String) -> ContainerConfig? {
        state.withLock { $0.containers[id]?.config }
    }

    /// Makes the next call of `operation` fail; several queue up.
    package func failNext(_ operation: FakeRuntimeOperation, with error: CRIError) {
        state.withLock { $0.failures[operation, default: []].append(error) }
    }

    /// Makes every call of `operation` fail until it is set to nil.
    package func failAlways(_ operation: FakeRuntimeOperation, with error: CRIError?) {
        state.withLock { $0.lastingFailures[operation] = error }
    }

    /// Calls of `operation` wait from now on, until the gate is opened.
    package func hold(_ operation: FakeRuntimeOperation) -> FakeGate {
        let gate = FakeGate()
        state.withLock { $0.gates[operation] = gate }
        return gate
    }

    /// Answers execs in containers of this name. Without one they succeed without output.
    package func scriptExec(container name: String, _ answer: @escaping @Sendable ([String]) -> ExecResult) {
        state.withLock { $0.execs[name] = answer }
    }

    package func setUserNamespaces(_ has: Bool) {
        state.withLock { $0.hasUserNamespaces = has }
    }

    package func setAddresses(_ addresses: [String]) {
        state.withLock { $0.addresses = addresses }
    }

    /// The container's process ends. Nothing where it does not run.
    package func exit(container id: String, code: Int32, reason: String? = nil) {
        state.withLock { $0.end(id, code: code, reason: reason) }
    }

    /// The sandbox's supervisor dies: its containers are killed and it is no longer ready.
    package func crash(sandbox id: String) {
        state.withLock { $0.crash(id) }
    }

    /// Ends every event stream, as the runtime does when a subscriber is too slow.
    package func cutEvents() {
        state.withLock { $0.cutSubscribers() }
    }
}
