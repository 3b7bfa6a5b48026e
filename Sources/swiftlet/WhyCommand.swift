import ArgumentParser
import Daemon
import JSONTree
import Linux

struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Show each step of a pod's way, how long it took, and why.",
        discussion: "Works when the pod is gone, and when the daemon does not run.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var target: PodArguments

    func run() async throws {
        let pod = try target.name()
        let directory = TimelineDirectory(try node.configuration())
        let pods = try directory.pods(named: pod)
        guard let newest = pods.first else {
            throw DaemonError(
                "this node has no timeline of a pod \(pod) in \(directory.path), which root can read; "
                    + "`swiftlet pods` lists the pods that are here\(pod.hint)")
        }
        let report = TimelineReport(pod: newest, entries: try directory.entries(of: newest))
        output.show(report.json) { report.text }
        guard output.output == .table, pods.count > 1 else { return }
        Output.note("\(pods.count - 1) earlier pods of this name are in \(directory.path)")
    }
}
