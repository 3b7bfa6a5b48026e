import APIMachinery
import JSONTree
import Kubelet
import Logging
import PKI
import Synchronization
import TestSupport
import Testing

@testable import Daemon

/// When certificates are renewed: by the clock, by its jumps, and on demand.
@Suite struct CertificateRenewalTests {
    private static let day: Int64 = 86_400

    /// Certificates for 90 days that begin five minutes before they were made.
    private final class Holder: CertificateHolder {
        struct State {
            var certificates: [CertificateSummary] = []
            var asked: [Set<String>] = []
            var failure: DaemonError?
        }

        let state = Mutex(State())
        /// A value after each renewal that was asked for.
        let renewals: AsyncStream<Void>
        private let told: AsyncStream<Void>.Continuation

        init(at now: Timestamp) {
            (renewals, told) = AsyncStream.makeStream(of: Void.self)
            var authority = Self.certificate("ca", at: now)
            authority.purpose = .authority
            authority.endsSeconds = now.seconds
            authority.renewalSeconds = now.seconds
            let all = [authority, Self.certificate("server", at: now), Self.certificate("client", at: now)]
            state.withLock { $0.certificates = all }
        }

        static func certificate(_ name: String, at now: Timestamp) -> CertificateSummary {
            CertificateSummary(
                name: name, subject: "CN=\(name)", purpose: .server, authority: "CN=ca",
                beginsSeconds: now.seconds - 300, endsSeconds: now.seconds + 90 * day,
                renewalSeconds: now.seconds + 60 * day)
        }

        var certificates: [CertificateSummary] { state.withLock { $0.certificates } }
        var asked: [Set<String>] { state.withLock { $0.asked } }

        func renew(_ names: Set<String>, at now: Timestamp) async throws(DaemonError) {
            defer { told.yield() }
            let failure: DaemonError? = state.withLock { state in
                state.asked.append(names)
                guard state.failure == nil else { return state.failure }
                state.certificates = state.certificates.map {
                    $0.isDue(at: now) || names.contains($0.name) ? Self.certificate($0.name, at: now) : $0
                }
                return nil
            }
            if let failure { throw failure }
        }
    }

    private struct Scene {
        let time = ManualTime()
        let holder: Holder
        let host: HostWatch
        let renewal: CertificateRenewal

        init() {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            holder = Holder(at: time.now())
            host = HostWatch(time: time, logger: logger)
            renewal = CertificateRenewal(holder, host: host, time: time, logger: logger)
        }

        /// Runs the renewal beside `body`.
        func run(_ body: () async throws -> Void) async rethrows {
            let work = Task { await renewal.run() }
            await time.waitForSleepers()
            try await body()
            work.cancel()
            await work.value
        }

        /// Waits until one was asked for.
        func renewed() async {
            for await _ in holder.renewals { return }
        }

        var ends: Int64 { holder.certificates[1].endsSeconds - time.now().seconds }
    }

    @Test func twoThirdsOfALifeAreUsed() async {
        let scene = Scene()
        await scene.run {
            for _ in 0..<59 {
                scene.time.advance(by: .seconds(Self.day))
                await scene.time.waitForSleepers()
            }
            #expect(scene.holder.asked.isEmpty)
            scene.time.advance(by: .seconds(Self.day))
            await scene.time.waitForSleepers()
            #expect(scene.holder.asked == [[]] && scene.ends == 90 * Self.day)
        }
    }

    @Test(arguments: [400, -400]) func aClockThatIsSetIsNoticedAtOnce(_ days: Int64) async {
        let scene = Scene()
        await scene.run {
            scene.time.setClock(by: .seconds(days * Self.day))
            await scene.renewed()
            #expect(scene.holder.asked == [[]] && scene.ends == 90 * Self.day)
            // And back: what was made under the wrong clock is renewed again.
            scene.time.setClock(by: .seconds(-days * Self.day))
            await scene.renewed()
            #expect(scene.holder.asked == [[], []] && scene.ends == 90 * Self.day)
        }
    }

    @Test func afterAFailureItTriesEachMinute() async {
        let scene = Scene()
        await scene.run {
            scene.holder.state.withLock { $0.failure = DaemonError("the server does not answer") }
            scene.time.setClock(by: .seconds(61 * Self.day))
            await scene.renewed()
            await scene.time.waitForSleepers()
            #expect(scene.time.untilNext == CertificateRenewal.retryPause)
            #expect(scene.host.has(.certificatesOverdue))
            scene.holder.state.withLock { $0.failure = nil }
            scene.time.advance(by: CertificateRenewal.retryPause)
            await scene.time.waitForSleepers()
            #expect(scene.holder.asked.count == 2 && scene.ends == 90 * Self.day)
            #expect(!scene.host.has(.certificatesOverdue))
        }
    }

    @Test func whatIsNamedIsRenewed() async throws {
        let scene = Scene()
        scene.time.advance(by: .seconds(10))
        #expect(try await scene.renewal.renew(["client"]) == ["client"])
        #expect(scene.holder.asked == [["client"]])
        let unknown = await #expect(throws: DaemonError.self) { try await scene.renewal.renew(["admin"]) }
        #expect(unknown?.description == "there is no certificate \"admin\"; there are server, client")
        let authority = await #expect(throws: DaemonError.self) { try await scene.renewal.renew(["ca"]) }
        #expect(authority?.description.contains("is not renewed") ?? false)
        #expect(scene.holder.asked.count == 1)
    }

    @Test func theTableCountsWholeDays() {
        let now = Timestamp(seconds: 1_800_000_000)
        func row(_ seconds: Int64) -> String {
            var certificate = Holder.certificate("a", at: now)
            certificate.endsSeconds = now.seconds + seconds
            let lines = CertificateTable.text([certificate.json], now: now).split(separator: "\n")
            return lines[1].split(separator: " ")[3].description
        }
        #expect(row(90 * Self.day) == "90" && row(Self.day - 1) == "0" && row(-1) == "-1")
        #expect(CertificateTable.text([], now: now) == "NAME   PURPOSE   ENDS   DAYS   SUBJECT   AUTHORITY\n")
    }
}
