import ContainerRuntime
import Linux
import PodNetwork

/// What a survey shows to be wrong. Pure.
struct Diagnosis: Sendable {
    private let survey: Survey

    static func findings(in survey: Survey) -> [Finding] {
        let diagnosis = Diagnosis(survey: survey)
        return diagnosis.runtimeStrays + diagnosis.networkStrays + diagnosis.fileStrays + diagnosis.runLogStrays
            + diagnosis.incomplete + diagnosis.twice + diagnosis.exits + diagnosis.store
    }

    // MARK: - Without an owner

    private var runtimeStrays: [Finding] {
        survey.runtime.strays(survey.books, survey.paths).map { stray in
            let (kind, problem, consequence) = describe(stray)
            return Finding(
                kind: kind, object: stray.name, problem: problem, consequence: consequence, remedy: .clearStray(stray))
        }
    }

    private func describe(_ stray: Leftover) -> (Finding.Kind, String, String) {
        switch stray.kind {
        case .process, .cgroup:
            let processes = survey.runtime.cgroups.filter { $0.path == stray.name }.flatMap(\.processes)
            let running = processes.isEmpty ? "" : ", and processes \(list(processes)) run in it"
            return (
                .cgroup, "no pod that runs here has this cgroup\(running)",
                processes.isEmpty ? "it takes up room in the kernel" : "they run unseen and use what pods are to have"
            )
        case .mount:
            return (
                .mount, "it is mounted for no sandbox that runs here",
                "it holds memory, and the directory around it cannot be removed"
            )
        case .directory:
            return (.file, "no record of a sandbox or a container speaks of it", "it takes up room")
        }
    }

    private var networkStrays: [Finding] {
        survey.network.strays(instance: survey.instance, holders: survey.books.holders).map { stray in
            switch stray {
            case .link(let name):
                Finding(
                    kind: .link, object: name, problem: "the link leads to no pod that runs here",
                    consequence: "its name, and with it an address, cannot be used again",
                    remedy: .clearNetwork(stray))
            case .table(let name):
                Finding(
                    kind: .rule, object: "table \(name)",
                    problem: "this nftables table is none that Swiftlet makes now",
                    consequence: "its rules still change packets", remedy: .clearNetwork(stray))
            case .address(let address, let sandbox):
                Finding(
                    kind: .address, object: address.description,
                    problem: "the address is held for sandbox \(sandbox.prefix(12)), which does not run",
                    consequence: "no pod can get it", remedy: .clearNetwork(stray))
            case .forward(let address):
                Finding(
                    kind: .rule, object: "host port to \(address)",
                    problem: "a port of the node leads to \(address), which no pod has",
                    consequence: "what connects to the port gets no answer, or one from another pod",
                    remedy: .clearNetwork(stray))
            }
        }
    }

    private var fileStrays: [Finding] {
        guard let pods = survey.pods else { return [] }
        let known = pods.union(survey.books.sandboxes.map(\.podUID))
        let lost = survey.podFiles.filter { !known.contains($0.uid) }
        let kept = survey.podFiles.filter { known.contains($0.uid) }
        let mounts = survey.podMounts.filter { mount in !kept.contains { mount.isBeneath($0.path) } }
        return mounts.map {
            Finding(
                kind: .mount, object: $0.description, problem: "a volume of a pod that is gone is still mounted",
                consequence: "it holds memory or another's file system", remedy: .clear(Leftover(.mount, $0)))
        }
            + lost.map {
                Finding(
                    kind: .file, object: $0.path, problem: "these are files of pod \($0.uid), which is gone",
                    consequence: "they take up room, and may hold what the pod kept secret",
                    remedy: .removeFiles($0.path))
            }
    }

    /// Without a daemon nothing is known of them: its start clears away what a boot has left.
    private var runLogStrays: [Finding] {
        guard survey.isDaemonRunning else { return [] }
        let known = Set(survey.books.sandboxes.map(\.podUID))
        return survey.runLogs.filter { !known.contains($0.uid) }.map {
            Finding(
                kind: .file, object: $0.path,
                problem: "this is a log of `swiftlet run`, and no record that can be read speaks of its container",
                consequence: "`swiftlet logs` does not find it, and it takes up room", remedy: .removeFiles($0.path))
        }
    }

    // MARK: - Records without what they speak of

    private var incomplete: [Finding] {
        survey.books.sandboxes.flatMap { sandbox -> [Finding] in
            if sandbox.isLeaving { return survey.isDaemonRunning ? [stuck(sandbox)] : [] }
            guard sandbox.isReady else { return [] }
            let missing = missing(of: sandbox)
            guard !missing.isEmpty else { return silent(sandbox) }
            return [
                Finding(
                    kind: .pod, object: sandbox.pod, problem: "the pod is said to run, and lacks \(list(missing))",
                    consequence: "it does not do what it is there for",
                    remedy: survey.isDaemonRunning
                        ? .stopSandbox(sandbox.id) : .none("the daemon's start puts it right"))
            ]
        }
    }

    private func missing(of sandbox: RuntimeBooks.Sandbox) -> [String] {
        var missing: [String] = []
        let cgroup = survey.runtime.cgroups.first { $0.path == sandbox.cgroup }
        if cgroup == nil { missing.append("its cgroup") }
        if cgroup?.groups["monitor"]?.isEmpty ?? true { missing.append("its monitor") }
        if sandbox.hasSharedMemory, !survey.runtime.mounts.contains(FilePath(survey.paths.sharedMemory(of: sandbox.id)))
        {
            missing.append("its shared memory")
        }
        for address in sandbox.addresses.compactMap({ IPv4Address($0) }) {
            missing += survey.network.missing(address, of: sandbox.id, instance: survey.instance)
        }
        return missing
    }

    private func stuck(_ sandbox: RuntimeBooks.Sandbox) -> Finding {
        Finding(
            kind: .pod, object: "sandbox \(sandbox.id.prefix(12)) of \(sandbox.pod)",
            problem: "its removal has begun and does not come to an end",
            consequence: "the pod stays, and what it holds of the node is not given back",
            remedy: .none("the daemon tries again; its log says what stands in the way"))
    }

    private func silent(_ sandbox: RuntimeBooks.Sandbox) -> [Finding] {
        guard let monitor = sandbox.monitor, !monitor.answers else { return [] }
        let own = survey.runtime.cgroups.first { $0.path == sandbox.cgroup }?.groups["monitor"] ?? []
        let process = monitor.process == 0 ? own.first ?? 0 : monitor.process
        return [
            Finding(
                kind: .monitor, object: sandbox.pod,
                problem: "the pod's monitor, process \(process), does not answer",
                consequence: "its containers run on, but cannot be changed, and their ends are not seen",
                remedy: .stopSandbox(sandbox.id))
        ]
    }

    // MARK: - Twice

    private var twice: [Finding] {
        let ready = survey.books.sandboxes.filter(\.isReady)
        var found: [Finding] = []
        for (index, sandbox) in ready.enumerated() {
            for earlier in ready[..<index] {
                if earlier.podUID == sandbox.podUID {
                    found.append(
                        Finding(
                            kind: .pod, object: "\(sandbox.pod) twice",
                            problem:
                                "two sandboxes of one pod run: \(earlier.id.prefix(12)) and \(sandbox.id.prefix(12))",
                            consequence: "two programs do the work of one", remedy: stop(earlier)))
                }
                if let users = sandbox.users, let others = earlier.users, users.overlaps(others) {
                    found.append(
                        Finding(
                            kind: .pod, object: "user \(users.users.first) twice",
                            problem: "pods \(earlier.pod) and \(sandbox.pod) are the same users of this node",
                            consequence: "what one of them can reach the other can too", remedy: stop(sandbox)))
                }
                for address in Set(sandbox.addresses).intersection(earlier.addresses) {
                    found.append(
                        Finding(
                            kind: .address, object: "\(address) twice",
                            problem: "pods \(earlier.pod) and \(sandbox.pod) have one address",
                            consequence: "each gets what was sent to the other", remedy: stop(sandbox)))
                }
            }
            found += containersTwice(sandbox) + containersAfterTheirEnd(sandbox)
        }
        return found
    }

    private func containersTwice(_ sandbox: RuntimeBooks.Sandbox) -> [Finding] {
        let running = Dictionary(grouping: sandbox.containers.filter(\.isRunning), by: \.name)
        return running.filter { $0.value.count > 1 }.map {
            Finding(
                kind: .pod, object: "container \($0.key) of \(sandbox.pod) twice",
                problem: "\($0.value.count) containers of this name run in one pod",
                consequence: "two programs do the work of one", remedy: stop(sandbox))
        }
    }

    private func containersAfterTheirEnd(_ sandbox: RuntimeBooks.Sandbox) -> [Finding] {
        guard let cgroup = survey.runtime.cgroups.first(where: { $0.path == sandbox.cgroup }) else { return [] }
        return sandbox.containers.filter { $0.hasEnded }.compactMap { container in
            guard let left = cgroup.groups[container.cgroupName], !left.isEmpty else { return nil }
            return Finding(
                kind: .process, object: list(left),
                problem: "container \(container.name) of \(sandbox.pod) has ended, and processes of it run",
                consequence: "they run unseen, beside the container that takes its place",
                remedy: .clear(Leftover(.cgroup, cgroup.path + "/" + container.cgroupName)))
        }
    }

    private func stop(_ sandbox: RuntimeBooks.Sandbox) -> Finding.Remedy {
        survey.isDaemonRunning ? .stopSandbox(sandbox.id) : .none("start the daemon and ask again")
    }

    // MARK: - Exits and the store

    /// Only with a daemon: without one, exits wait in the monitors as they should.
    private var exits: [Finding] {
        survey.books.sandboxes.flatMap { sandbox -> [Finding] in
            guard let monitor = sandbox.monitor, monitor.answers else { return [] }
            let unreported = sandbox.containers.filter { $0.isRunning && monitor.ended.contains($0.id) }
            let ends = unreported.map {
                Finding(
                    kind: .exit, object: "container \($0.name) of \(sandbox.pod)",
                    problem: "the container has ended, and its end was not reported",
                    consequence: "it is said to run, and is not started again", remedy: .takeUpExits)
            }
            guard ends.isEmpty, monitor.unacknowledged.count > 0 else { return ends }
            return [
                Finding(
                    kind: .exit, object: "exit \(monitor.unacknowledged.oldest) of \(sandbox.pod)",
                    problem: "the monitor keeps \(monitor.unacknowledged.count) exits that the daemon has not taken up",
                    consequence: "beyond 1024 of them nothing can be started in the pod", remedy: .takeUpExits)
            ]
        }
    }

    private var store: [Finding] {
        guard let revision = survey.revision, let seen = survey.seenRevision, revision < seen else { return [] }
        return [
            Finding(
                kind: .store, object: "revision \(revision)",
                problem: "the store is at revision \(revision), and was at \(seen) before",
                consequence:
                    "what was written after \(revision) is lost: an older copy was put back, or the disk lost it; "
                    + "clients that watch must list anew", remedy: .acceptRevision(revision))
        ]
    }

    private func list(_ values: [some CustomStringConvertible]) -> String {
        values.map(\.description).joined(separator: ", ")
    }
}
