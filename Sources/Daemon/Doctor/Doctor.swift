import APIMachinery
import ContainerRuntime
import Glibc
import JSONTree
import Linux
import PodNetwork

/// Looks for what is wrong on this node, explains it, and mends it where asked. Works with and without the daemon.
package struct Doctor: Sendable {
    private let configuration: DaemonConfiguration
    private let instance: InstanceName
    /// Nil where no daemon runs.
    private let client: NodeClient?
    private let time: any TimeSource

    /// What is under way is over, or further on, after this: only what every look has found counts.
    private static let startLooks = 10
    static let pauses: [Duration] = [.seconds(1), .seconds(2)]

    /// - Throws: where this is not root, or no instance was ever started here.
    package init(_ configuration: DaemonConfiguration, time: any TimeSource) throws(DaemonError) {
        self.configuration = configuration
        self.time = time
        guard geteuid() == 0 else { throw DaemonError("doctor must run as root; try sudo") }
        guard let id = try InstanceFiles.existingID(configuration), let instance = InstanceName(id) else {
            throw DaemonError(
                "there is no instance in \(configuration.dataDirectory); name another with --data-dir, --run-dir and "
                    + "--config-dir")
        }
        self.instance = instance
        client = InstanceFiles.runningDaemon(configuration) == nil ? nil : try NodeClient(configuration)
    }

    package func examine() async throws(DaemonError) -> DoctorReport {
        var survey = try await firstLook()
        var findings = Diagnosis.findings(in: survey)
        for pause in Self.pauses where !findings.isEmpty && client != nil {
            try? await time.sleep(for: pause)
            survey = try await look()
            let again = Diagnosis.findings(in: survey)
            findings = again.filter { finding in findings.contains { finding.isSame(as: $0) } }
        }
        // A disk that takes no writes would hold this up too.
        if survey.hostTroubles.isEmpty, let revision = survey.revision, revision > survey.seenRevision ?? 0 {
            try RevisionMark(configuration).set(revision)
        }
        return DoctorReport(findings: findings, survey: survey)
    }

    /// A daemon that has just begun to start does not answer yet.
    private func firstLook() async throws(DaemonError) -> Survey {
        for _ in 0..<Self.startLooks where client != nil {
            do throws(DaemonError) { return try await look() } catch { try? await time.sleep(for: .milliseconds(500)) }
        }
        return try await look()
    }

    private func look() async throws(DaemonError) -> Survey {
        try await Survey(configuration, instance: instance, daemon: client)
    }

    /// Mends what can be mended. Look again to see what came of it.
    package func mend(_ report: DoctorReport) async throws(DaemonError) {
        if let client {
            let sandboxes = report.findings.compactMap { finding in
                if case .stopSandbox(let id) = finding.remedy { id } else { nil }
            }
            _ = try await client.send(.post, "/v1/mend", body: ["stop": .array(sandboxes.map { .string($0) })])
        }
        for finding in report.findings { try carryOut(finding.remedy) }
    }

    /// What the daemon has done already is gone, which is as good.
    private func carryOut(_ remedy: Finding.Remedy) throws(DaemonError) {
        switch remedy {
        case .clear(let leftover): try clear(leftover)
        case .clearStray(let leftover) where client == nil: try clear(leftover)
        case .removeFiles(let path):
            try DaemonError.wrapping("clearing away") { () throws(KernelError) in
                try Leftover(.directory, path).clear(SystemKernel(), deadline: .zero)
            }
        case .clearNetwork(let leftover) where client == nil:
            let directory = configuration.networkState
            try DaemonError.wrapping("clearing away") { () throws(PodNetworkError) in
                try leftover.clear(stateDirectory: directory)
            }
        case .acceptRevision(let revision): try RevisionMark(configuration).set(revision)
        case .clearStray, .clearNetwork, .stopSandbox, .takeUpExits, .none: break
        }
    }

    private func clear(_ leftover: Leftover) throws(DaemonError) {
        try DaemonError.wrapping("clearing away") { () throws(KernelError) in
            try leftover.clear(SystemKernel(), deadline: .seconds(10))
        }
    }
}

/// What the doctor has to say.
package struct DoctorReport: Sendable {
    let findings: [Finding]
    let survey: Survey

    package var isClean: Bool { findings.isEmpty }

    package var text: String {
        var lines = findings.map { finding in
            """
            \(finding.kind.rawValue.uppercased())  \(finding.object)
              what   \(finding.problem)
              why    \(finding.consequence)
              mend   \(finding.remedy)

            """
        }
        lines += survey.hostTroubles.map { "the machine is unwell: \($0)\n" }
        let nothing = survey.hostTroubles.isEmpty ? "nothing is wrong" : "nothing else is wrong"
        lines.append("\(isClean ? nothing : "\(findings.count) found"): \(counted)\n")
        if survey.pods == nil { lines.append("not judged: pods' files, since \(reason)\n") }
        return lines.joined()
    }

    private var reason: String {
        survey.isDaemonRunning
            ? "the node has not heard of its pods yet" : "no daemon runs that knows which pods there are"
    }

    package var json: JSONValue {
        [
            "findings": .array(findings.map(\.json)), "host": .array(survey.hostTroubles.map { .string($0) }),
            "daemon": .string(survey.isDaemonRunning ? "running" : "stopped"),
            "revision": survey.revision.map { .integer($0) } ?? .null, "judgesPodFiles": .bool(survey.pods != nil),
            "counts": .object(JSONObject(counts.map { ($0.0, .integer(Int64($0.1))) })),
        ]
    }

    private var counts: [(String, Int)] {
        [
            ("pods", survey.books.holding.count), ("containers", survey.books.sandboxes.flatMap(\.containers).count),
            ("processes", survey.runtime.processes.count), ("cgroups", survey.runtime.cgroups.count),
            ("mounts", survey.runtime.mounts.count + survey.podMounts.count),
            ("links", survey.network.owned.links.count), ("addresses", survey.network.held.count),
            ("tables", survey.network.owned.tables.count),
            ("directories", survey.runtime.directories.count + survey.podFiles.count),
        ]
    }

    private var counted: String {
        let parts = counts.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
        return survey.revision.map { "\(parts); the store is at revision \($0)" } ?? parts
    }
}
