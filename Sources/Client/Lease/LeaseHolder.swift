import APIMachinery
import KubernetesAPI
import Logging

/// Holds a lease by renewing it, as a node does to show that it lives. It takes the lease whoever held it before: it
/// is for leases that only this identity may hold, not for elections.
package struct LeaseHolder: Sendable {
    package struct Terms: Sendable {
        package var name: String
        package var namespace: String
        package var identity: String
        /// Others take the holder for dead this long after a renewal.
        package var duration: Duration
        package var interval: Duration
        /// The lease goes when its owner goes.
        package var owner: OwnerReference?

        /// A node's lease: 40 s, renewed every 10 s.
        package init(node: String, owner: OwnerReference? = nil) {
            name = node
            namespace = "kube-node-lease"
            identity = node
            duration = .seconds(40)
            interval = .seconds(10)
            self.owner = owner
        }
    }

    private let client: APIClient
    private let terms: Terms
    private let time: any TimeSource
    private let random: RandomSource
    private let log: Logger

    package init(
        _ terms: Terms, client: APIClient, time: any TimeSource, random: RandomSource = RandomSource(),
        log: Logger = Logger(label: "swiftlet.lease")
    ) {
        self.client = client
        self.terms = terms
        self.time = time
        self.random = random
        self.log = log
    }

    /// Renews at each interval until the task is cancelled; after a failure sooner.
    package func run() async {
        var backoff = Backoff(base: .milliseconds(200), limit: min(terms.interval, .seconds(7)))
        var held: Lease?
        while !Task.isCancelled {
            var pause = random.jittered(terms.interval, by: 0.04)
            do throws(Status) {
                held = try await renew(held)
                backoff.reset()
            } catch {
                held = nil
                pause = random.jittered(backoff.next(), by: 0.5)
                log.warning(
                    "the lease was not renewed", metadata: ["lease": "\(terms.name)", "error": "\(error.message)"])
            }
            guard (try? await time.sleep(for: pause)) != nil else { return }
        }
    }

    /// One renewal; makes the lease where there is none. `held` is what the last renewal gave and saves a reading.
    package func renew(_ held: Lease? = nil) async throws(Status) -> Lease {
        if let held {
            do throws(Status) {
                return try await client.update(renewed(held))
            } catch {
                guard error.isReason(.conflict) || error.isReason(.notFound) else { throw error }
            }
        }
        let found: Lease
        do throws(Status) {
            found = try await client.get(Lease.self, terms.name, in: terms.namespace)
        } catch {
            guard error.isReason(.notFound) else { throw error }
            return try await client.create(renewed(Lease(name: terms.name, namespace: terms.namespace)))
        }
        return try await client.update(renewed(found))
    }

    private func renewed(_ lease: Lease) -> Lease {
        let now = MicroTime(time.now())
        var lease = lease
        var spec = lease.spec
        if let before = spec.holderIdentity, before != terms.identity {
            spec.leaseTransitions = Int32(clamping: Int64(spec.leaseTransitions ?? 0) + 1)
            spec.acquireTime = now
        }
        spec.holderIdentity = terms.identity
        spec.leaseDurationSeconds = Int32(clamping: terms.duration.components.seconds)
        spec.renewTime = now
        lease.spec = spec
        if let owner = terms.owner, lease.metadata.ownerReferences.isEmpty { lease.metadata.ownerReferences = [owner] }
        return lease
    }
}
