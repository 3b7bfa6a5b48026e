import ContainerRuntime
import Daemon
import Glibc
import Logging
import PodMonitor
import PodNetwork
import Store

/// `faulty-swiftlet points` prints every place at which a daemon or a monitor can be held; `faulty-swiftlet server FLAGS` is `swiftlet server` that
/// stops at the place that the file SWIFTLET_HOLD_FILE names, and has the bug that SWIFTLET_BUG names.
@concurrent func run() async throws {
    let arguments = CommandLine.arguments
    guard arguments.dropFirst().first == "server" else {
        return print(Holds.places.joined(separator: "\n"))
    }
    let configuration = try DaemonConfiguration.load(flags: Array(arguments.dropFirst(2)))
    LoggingSystem.bootstrap { label in
        var handler = StreamLogHandler.standardError(label: label)
        handler.logLevel = Logger.Level(rawValue: configuration.logLevel) ?? .info
        return handler
    }
    let holds = Holds(file: environment("SWIFTLET_HOLD_FILE") ?? "")
    var seams = DaemonSeams()
    seams.reachInStore = { holds.reach("store.\($0.rawValue)") }
    seams.reachInNetwork = { holds.reach("network.\($0.rawValue)") }
    seams.reachInKubelet = { holds.reach($0) }
    seams.runtime = {
        $0.reach = { holds.reach("runtime.\($0.rawValue)") }
        $0.monitorEnvironment = { holds.monitorEnvironment() }
    }
    if let name = environment("SWIFTLET_BUG") {
        guard let bug = PlantedBug(rawValue: name) else {
            print("there is no bug \"\(name)\"; there are \(PlantedBug.allCases.map(\.rawValue))")
            exit(2)
        }
        bug.plant(in: &seams)
    }
    try await Server(configuration, logger: Logger(label: "swiftlet"), seams: seams).run()
}

func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}

TerminationSignals.prepare(command: "server")
Task.detached {
    do {
        try await run()
        exit(0)
    } catch {
        print("faulty-swiftlet: \(error)")
        exit(1)
    }
}
while true { pause() }
