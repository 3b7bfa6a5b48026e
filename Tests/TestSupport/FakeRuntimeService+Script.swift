import CRI

/// The calls of a `RuntimeService`, for scripts and for the record of what was called.
package enum FakeRuntimeOperation: String, Sendable, Hashable {
    case version, status, runPodSandbox, stopPodSandbox, removePodSandbox, podSandboxStatus, listPodSandboxes
    case createContainer, startContainer, stopContainer, removeContainer, containerStatus, listContainers
    case updateContainerResources, reopenContainerLog, containerStats, podSandboxStats, writableLayer
    case containerTally, interfaces
    case execSync, exec, attach, portForward
}

/// What a fake container does by itself.
package enum FakeContainerScript: Sendable {
    /// Runs until it is stopped; the stop signal ends it with 143.
    case runs
    /// Ends as soon as it has started.
    case exits(code: Int32)
    /// `startContainer` fails as for a command that is not there.
    case failsToStart(message: String, exitCode: Int32)
    /// Runs and ignores the stop signal: `stopContainer` kills it, 137.
    case ignoresStop
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

    /// The configuration that a container was created with.
    package func containerConfig(_ id: String) -> ContainerConfig? {
        state.withLock { $0.containers[id]?.config }
    }

    package func sandboxConfig(_ id: String) -> PodSandboxConfig? {
        state.withLock { $0.sandboxes[id]?.config }
    }

    /// The stop timeouts asked for, by container id.
    package var stopTimeouts: [String: Duration] { state.withLock { $0.stopTimeouts } }

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

    /// What containers of this name do, from their next start on. Names without a script run.
    package func script(container name: String, _ script: FakeContainerScript) {
        state.withLock { $0.scripts[name] = script }
    }

    /// Answers execs in containers of this name. Without one they succeed without output.
    package func scriptExec(container name: String, _ answer: @escaping @Sendable ([String]) -> ExecResult) {
        state.withLock { $0.execs[name] = answer }
    }

    package func setUserNamespaces(_ has: Bool) {
        state.withLock { $0.hasUserNamespaces = has }
    }

    package func setConditions(_ conditions: [RuntimeStatus.Condition]) {
        state.withLock { $0.conditions = conditions }
    }

    package func setAddresses(_ addresses: [String]) {
        state.withLock { $0.addresses = addresses }
    }

    package func setWarnings(_ warnings: [String]) {
        state.withLock { $0.warnings = warnings }
    }

    /// Of a container or a sandbox.
    package func setStats(_ id: String, _ stats: ContainerStats) {
        state.withLock { $0.sandboxes[id]?.stats = stats }
        state.withLock { $0.containers[id]?.stats = stats }
    }

    /// What `writableLayer` says of a container.
    package func setWritableLayer(of id: String, bytes: UInt64) {
        state.withLock { $0.containers[id]?.layerBytes = bytes }
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
