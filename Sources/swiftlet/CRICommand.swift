import ArgumentParser
import Daemon
import Logging

struct CRICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cri", abstract: "Run the container runtime alone, for another kubelet.",
        discussion: "Serves the CRI (runtime.v1) on <run-dir>/cri.sock: a kubelet takes it as its "
            + "containerRuntimeEndpoint, with cgroupDriver: cgroupfs.\nOf the settings of `swiftlet server`, those of "
            + "directories, the pod network, images and cgroups count; they are also read from "
            + "<config-dir>/config.yaml.")

    @Argument(parsing: .allUnrecognized, help: .hidden) var settings: [String] = []

    func validate() throws {
        try Flags.check(settings)
    }

    func run() async throws {
        let configuration = try DaemonConfiguration.load(flags: settings)
        DaemonLog.begin(configuration)
        try await ContainerServer(configuration, logger: Logger(label: "swiftlet")).run()
    }
}
