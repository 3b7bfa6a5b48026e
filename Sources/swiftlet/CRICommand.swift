import ArgumentParser
import Daemon
import Logging

struct CRICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cri", abstract: "Run the container runtime alone, for another kubelet.",
        usage: "swiftlet cri [--SETTING VALUE ...]",
        discussion:
            "Serves the CRI (runtime.v1) on <run-dir>/cri.sock, or on the socket that --cri-listen names. In the kubelet, set "
            + "containerRuntimeEndpoint to it and cgroupDriver: cgroupfs.\nTakes the settings of `swiftlet server` for directories, "
            + "pod network, images, cgroups and the CRI; they are also read from <config-dir>/config.yaml.")

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
