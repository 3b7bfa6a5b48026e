import CRI

extension FakeRuntimeState {
    mutating func createContainer(
        sandbox id: String, config: ContainerConfig, imageID: String
    ) throws(CRIError) -> String {
        let sandbox = try sandbox(id)
        guard sandbox.status.state == .ready else { throw .failed("sandbox \(id) is not ready") }
        let taken = containers.values.contains {
            $0.status.sandbox == id && $0.status.metadata == config.metadata
        }
        guard !taken else {
            throw .invalid("sandbox \(id) has container \(config.metadata.name), attempt \(config.metadata.attempt)")
        }
        let container = nextID("container")
        var status = ContainerStatus(
            id: container, sandbox: id, metadata: config.metadata, state: .created, createdAt: now(),
            image: config.image, imageID: imageID)
        status.labels = config.labels
        status.annotations = config.annotations
        status.mounts = config.mounts
        status.logPath = config.logPath.isEmpty ? "" : sandbox.config.logDirectory + "/" + config.logPath
        containers[container] = Container(config: config, status: status)
        emit(.created, container: container, sandbox: id)
        return container
    }

    mutating func startContainer(_ id: String) throws(CRIError) {
        var status = try container(id).status
        guard status.state == .created else {
            throw .invalid("container \(id) is \(status.state.rawValue) and cannot be started")
        }
        status.state = .running
        status.startedAt = now()
        status.processID = 1_000
        containers[id]?.status = status
        emit(.started, container: id, sandbox: status.sandbox)
    }

    mutating func stopContainer(_ id: String, timeout: Duration) {
        guard let container = containers[id] else { return }
        if container.status.state == .created {
            containers[id]?.status.state = .exited
            containers[id]?.status.exitCode = 137
        }
        end(id, code: timeout <= .zero ? 137 : 143, reason: nil)
    }

    mutating func removeContainer(_ id: String) {
        guard let container = containers[id] else { return }
        end(id, code: 137, reason: nil)
        emit(.deleted, container: id, sandbox: container.status.sandbox)
        containers[id] = nil
    }

    mutating func end(_ id: String, code: Int32, reason: String?) {
        guard var status = containers[id]?.status, status.state == .running else { return }
        status.state = .exited
        status.finishedAt = now()
        status.exitCode = code
        status.processID = 0
        status.reason = reason ?? (code == 0 ? "Completed" : "Error")
        containers[id]?.status = status
        emit(.stopped, container: id, sandbox: status.sandbox)
    }

    func container(_ id: String) throws(CRIError) -> Container {
        guard let container = containers[id] else { throw .notFound("container \(id) is not known") }
        return container
    }

    func list(_ filter: ContainerFilter) -> [ContainerStatus] {
        containers.values.map(\.status)
            .filter { filter.id == nil || filter.id == $0.id }
            .filter { filter.sandbox == nil || filter.sandbox == $0.sandbox }
            .filter { filter.state == nil || filter.state == $0.state }
            .sorted { $0.id < $1.id }
    }

    mutating func update(_ id: String, _ resources: ContainerResources) throws(CRIError) {
        _ = try container(id)
        containers[id]?.config.resources = resources
    }

    func exec(_ id: String, _ command: [String]) throws(CRIError) -> ExecResult {
        let status = try container(id).status
        guard status.state == .running else { throw .failed("container \(id) does not run") }
        return execs[status.metadata.name]?(command)
            ?? ExecResult(standardOutput: [], standardError: [], exitCode: 0)
    }
}
