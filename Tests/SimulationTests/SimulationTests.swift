import Glibc
import Logging
import Testing

/// Whole clusters in one process on a virtual clock: store, API server, controllers, scheduler and kubelets as they are, over disks, networks and
/// runtimes that fail. A run has a process of its own, whose hashing is the same each time: so a seed replays exactly.
@Suite struct SimulationTests {
    @Test func everyHistoryEndsInOrder() async {
        setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() }
            let simulation = Simulation { name in getenv(name).map { String(cString: $0) } }
            do {
                print("in order:", try simulation.run().description)
            } catch {
                print(error)
            }
        }
        let report = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        print(report)
        if !report.hasPrefix("in order:") { Issue.record("\(report)") }
    }
}
