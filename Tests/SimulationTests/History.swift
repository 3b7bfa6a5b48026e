import KubernetesAPI
import Synchronization

/// One random history of a cluster: changes and faults beside each other, then everything heals, and the cluster must come to rest in order.
final class History: Sendable {
    let cluster: Cluster
    let wishes: Wishes
    let user: User
    let world: World
    private let last: Mutex<Task<Void, Never>?> = Mutex(nil)
    private let underWay = Mutex(0)
    private let looks = Mutex(0)
    /// How often the cluster was audited.
    var audits: Int { looks.withLock { $0 } }

    init(_ cluster: Cluster, _ wishes: Wishes) {
        self.cluster = cluster
        self.wishes = wishes
        world = cluster.world
        user = User(client: cluster.user, world: cluster.world, wishes: wishes)
    }

    /// Returns what is wrong.
    func run() throws -> [String] {
        for _ in 0..<world.draw({ $0.number(3...10) }) {
            if world.draw({ $0.percent(65) }) { change() } else { fault() }
            world.run(for: world.draw { $0.percent(50) ? $0.duration(0...50) : $0.duration(0...5_000) })
        }
        let isOver = world.run(for: .seconds(900)) { underWay.withLock { $0 == 0 } }
        guard isOver else { return world.faults + ["a request was not answered within a quarter of an hour"] }
        try cluster.heal()
        world.note("healed")
        return rest()
    }

    /// The user does one thing after the other.
    func byUser(_ body: @escaping @Sendable () async -> Void) {
        underWay.withLock { $0 += 1 }
        let before = last.withLock { $0 }
        let next = world.spawn {
            await before?.value
            await body()
            self.underWay.withLock { $0 -= 1 }
        }
        last.withLock { $0 = next }
    }

    /// Faults strike while other things go on; each is over by itself.
    func inTime(_ body: @escaping @Sendable () async -> Void) {
        underWay.withLock { $0 += 1 }
        world.spawn {
            await self.world.pause(self.world.draw { $0.duration(0...300) })
            await body()
            self.underWay.withLock { $0 -= 1 }
        }
    }

    /// Runs until the cluster is in order, for half an hour at most.
    private func rest() -> [String] {
        let deadline = world.time.uptime() + .seconds(1_800)
        var complaints = ["never looked"]
        var looked = Duration.zero
        while world.time.uptime() < deadline, world.faults.isEmpty {
            world.run(for: .seconds(1))
            let now = world.time.uptime()
            let changed = cluster.disk.lastChange
            guard now - changed >= .seconds(3), looked < changed + .seconds(3) || now - looked >= .seconds(20) else {
                continue
            }
            looked = now
            looks.withLock { $0 += 1 }
            complaints = Audit(cluster, wishes).complaints
            if complaints.isEmpty { break }
        }
        return world.faults + (world.faults.isEmpty ? complaints : [])
    }
}
