import CRI
import JSONTree
import Linux
import OCI

/// A hook with its station, program and device, for messages.
struct NamedHook: Sendable, Hashable {
    var name: String
    var hook: LaunchHook
}

extension ContainerPlan {
    /// Hooks on a container's way to its program are nobody's but the host's: where they would run in others' sight, or without the rights to open the
    /// host's paths, there are none.
    mutating func addHooks(_ input: ContainerPlanInput) throws(CRIError) {
        let ahead = input.hostHooks.filter(\.isBeforeProgram)
        if let first = ahead.first?.name ?? input.hooks.first?.name {
            try Self.check(first, input, launch.plan.processNamespace)
        }
        guard let first = input.hostHooks.first?.name ?? input.hooks.first?.name else { return }
        let directory = input.paths.bundle(of: input.id)
        let text = Self.hookState(of: input.id, bundle: directory)
        guard text.utf8.count < HookBundle.stateLimit else {
            throw .unsupported("\(first): the path \(directory) is too long for a hook")
        }
        launch.plan.bundle = HookBundle(directory: directory, root: directory + "/rootfs", state: text)
        launch.plan.awaitsHooks = !ahead.isEmpty
        launch.plan.hooks = input.hooks.map(\.hook)
        launch.plan.hookPatience = UInt32(Self.hookPatience.components.seconds * 1_000)
        for index in launch.plan.hooks.indices where launch.plan.hooks[index].environment == nil {
            // A program of the image's has the image's.
            let isHosts = launch.plan.hooks[index].station == .createContainer
            launch.plan.hooks[index].environment = isHosts ? Self.hostEnvironment : exec.environment
        }
    }

    private static func check(
        _ hook: String, _ input: ContainerPlanInput, _ processes: ProcessNamespace
    ) throws(CRIError) {
        if input.sandbox.users != nil {
            throw .unsupported(
                "\(hook): none but poststart and poststop hooks run in a pod with users of its own; leave hostUsers out"
            )
        }
        if processes == .pod {
            throw .unsupported(
                "\(hook): none but poststart and poststop hooks run where containers share their processes (shareProcessNamespace, run --init)"
            )
        }
    }

    /// The runtime specification's state as JSON, without `status`, `pid` and the last brace.
    static func hookState(of container: String, bundle: String) -> String {
        let state: JSONObject = [
            "ociVersion": .string(RuntimeSpecification.followedVersion), "id": .string(container),
            "bundle": .string(bundle),
        ]
        return String(decoding: JSONValue.object(state).encoded().dropLast(), as: UTF8.self)
    }

    /// Less than for how long a launch is waited for (`BoundedMonitor.launchLimit`).
    static let hookPatience = Duration.seconds(100)

    static let hostEnvironment = [ProcessDecision.defaultPath]

    /// `config.json` of the bundle: what hooks look up. Variables are not in it, since they hold secrets.
    var hookConfiguration: JSONValue {
        let process = launch.plan.process
        let user: JSONValue = [
            "uid": .integer(Int64(process.user.userID)), "gid": .integer(Int64(process.user.groupID)),
        ]
        return [
            "ociVersion": .string(RuntimeSpecification.followedVersion), "root": ["path": "rootfs"],
            "process": [
                "args": .list(process.arguments), "cwd": .string(process.workingDirectory), "user": user,
            ],
        ]
    }
}
