import APIMachinery
import JSONTree
import Kubelet
import Logging
import PKI

/// Renews certificates while the process runs: when two thirds of a certificate's life are over by the wall clock, when that clock was set, and
/// when somebody asks. One renewal at a time.
actor CertificateRenewal {
    private let holder: any CertificateHolder
    private let time: any TimeSource
    private let host: HostWatch
    private let logger: Logger
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// After a failure.
    static let retryPause = Duration.seconds(60)
    /// A clock may also run away without being set.
    static let longestPause = Duration.seconds(86_400)

    init(_ holder: any CertificateHolder, host: HostWatch, time: any TimeSource, logger: Logger) {
        self.holder = holder
        self.host = host
        self.time = time
        self.logger = logger
    }

    nonisolated var certificates: [CertificateSummary] { holder.certificates }

    /// Returns when its task is cancelled.
    nonisolated func run() async {
        await time.keep { await self.renewDue() }
    }

    /// How long nothing is to be done.
    private func renewDue() async -> Duration {
        do throws(DaemonError) {
            try await renew([])
            host.gone(.certificatesOverdue)
            return Self.pause(holder.certificates, at: time.now())
        } catch {
            host.found(.certificatesOverdue, "certificates are due and not renewed: \(error)")
            return Self.retryPause
        }
    }

    /// Renews those named and those that are due.
    /// - Returns: the names of all that are new.
    /// - Throws: also where there is none of a name, or it is the authority.
    @discardableResult func renew(_ names: Set<String>) async throws(DaemonError) -> [String] {
        try Self.check(names, among: holder.certificates)
        await begin()
        defer { end() }
        let (before, now) = (holder.certificates, time.now())
        guard !names.isEmpty || before.contains(where: { $0.isDue(at: now) }) else { return [] }
        try await holder.renew(names, at: now)
        let fresh = holder.certificates.filter { !before.contains($0) }
        for certificate in fresh {
            logger.info(
                "certificate renewed",
                metadata: ["name": "\(certificate.name)", "ends": "\(Timestamp(seconds: certificate.endsSeconds))"])
        }
        return fresh.map(\.name)
    }

    private func begin() async {
        guard isBusy else {
            isBusy = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    /// Hands the turn on to who waits longest.
    private func end() {
        if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
    }

    /// How long nothing is due.
    static func pause(_ certificates: [CertificateSummary], at now: Timestamp) -> Duration {
        let due = certificates.filter { $0.purpose != .authority }.map(\.renewalSeconds).min() ?? .max
        return min(max(.seconds(due.subtractingReportingOverflow(now.seconds).partialValue), retryPause), longestPause)
    }

    private static func check(
        _ names: Set<String>, among certificates: [CertificateSummary]
    ) throws(DaemonError) {
        let renewable = certificates.filter { $0.purpose != .authority }.map(\.name)
        for name in names.sorted() where !renewable.contains(name) {
            let known = renewable.joined(separator: ", ")
            guard certificates.contains(where: { $0.name == name }) else {
                throw DaemonError("there is no certificate \"\(name)\"; there are \(known)")
            }
            throw DaemonError(
                "\(name) is the authority, which all trust by its fingerprint and is not renewed; those it signs are \(known)"
            )
        }
    }
}

extension CertificateSummary {
    /// The authority is never due.
    func isDue(at now: Timestamp) -> Bool {
        purpose != .authority && (now.seconds < beginsSeconds || now.seconds >= renewalSeconds)
    }

    var json: JSONValue {
        [
            "name": .string(name), "subject": .string(subject), "purpose": .string(purpose.rawValue),
            "notBefore": Timestamp(seconds: beginsSeconds).json, "notAfter": Timestamp(seconds: endsSeconds).json,
            "renewal": Timestamp(seconds: renewalSeconds).json, "authority": .string(authority),
        ]
    }
}
