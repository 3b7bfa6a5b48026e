import Glibc
import Logging

/// Runs many histories. A cluster lives through several of them, so that its making costs little.
struct Simulation {
    /// The first cluster's seed; the next ones follow it.
    var seed: UInt64 = 1
    var histories = 100
    var historiesOfACluster = 10

    /// `SIMULATION_SEED`, `SIMULATION_HISTORIES`: which and how many.
    init(environment: (String) -> String?) {
        if let text = environment("SIMULATION_SEED"), let value = UInt64(text) { seed = value }
        if let text = environment("SIMULATION_HISTORIES"), let value = Int(text), value > 0 { histories = value }
    }

    struct Failure: Error, CustomStringConvertible {
        var seed: UInt64
        var history: Int
        var complaints: [String]
        var trace: [String]

        var description: String {
            """
            seed \(seed), history \(history):
            \(trace.map { "  " + $0 }.joined(separator: "\n"))
            wrong:
            \(complaints.map { "  " + $0 }.joined(separator: "\n"))
            again: SIMULATION_SEED=\(seed) SIMULATION_HISTORIES=\(history) swift test --filter SimulationTests
            """
        }
    }

    /// What a run came to.
    struct Tally {
        var histories = 0
        var seeds: [UInt64] = []
        var audits = 0
        var jobs = 0
        var virtualTime = Duration.zero
        var hits: [String: Int] = [:]

        var description: String {
            let events = hits.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            let seeds = "\(seeds.first ?? 0)...\(seeds.last ?? 0)"
            let checks = audits * Audit.invariantCount
            return "\(histories) histories of seeds \(seeds), \(checks) invariants looked at in \(audits) audits, "
                + "\(jobs) jobs, \(virtualTime.components.seconds) s of cluster time; \(events)"
        }
    }

    func run() throws -> Tally {
        var tally = Tally()
        var next = seed
        while tally.histories < histories {
            try live(seed: next, min(historiesOfACluster, histories - tally.histories), &tally)
            next += 1
        }
        return tally
    }

    /// One cluster's life.
    private func live(seed: UInt64, _ count: Int, _ tally: inout Tally) throws {
        let world = World(seed: seed)
        let cluster = Cluster(world: world, nodes: 2)
        let wishes = Wishes()
        try cluster.start()
        world.run(for: .seconds(30)) { cluster.isServing }
        let start = world.time.uptime()
        for history in 1...count {
            world.forgetTrace()
            let story = History(cluster, wishes)
            let complaints = try story.run()
            tally.histories += 1
            tally.audits += story.audits
            if !complaints.isEmpty {
                throw Failure(seed: seed, history: history, complaints: complaints, trace: world.trace)
            }
        }
        tally.seeds.append(seed)
        tally.jobs += world.executor.count
        tally.virtualTime += world.time.uptime() - start
        tally.hits.merge(world.hits, uniquingKeysWith: +)
        cluster.shutDown()
    }
}
