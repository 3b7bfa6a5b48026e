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
    /// The runtime specification's version that hooks are told of.
    private static let specificationVersion = "1.2.0"

    /// Hooks that are nobody's but the host's: where they would run in others' sight, or without the rights to open the host's paths, there are none.
    mutating func addHooks(_ input: ContainerPlanInput) throws(CRIError) {
        guard let first = input.hooks.first else { return }
        if input.sandbox.users != nil {
            throw .unsupported("\(first.name): no hooks run in a pod with users of its own; leave hostUsers out")
        }
        if launch.plan.processNamespace == .pod {
            throw .unsupported(
                "\(first.name): no hooks run where containers share their processes (shareProcessNamespace, run --init)"
            )
        }
        let directory = input.paths.bundle(of: input.id)
        let state: JSONObject = [
            "ociVersion": .string(Self.specificationVersion), "id": .string(input.id), "bundle": .string(directory),
        ]
        let text = String(decoding: JSONValue.object(state).encoded().dropLast(), as: UTF8.self)
        guard text.utf8.count < HookBundle.stateLimit else {
            throw .unsupported("\(first.name): the path \(directory) is too long for a hook")
        }
        launch.plan.bundle = HookBundle(directory: directory, root: directory + "/rootfs", state: text)
        launch.plan.hooks = input.hooks.map(\.hook)
        launch.plan.hookPatience = Self.patience
        for index in launch.plan.hooks.indices where launch.plan.hooks[index].environment == nil {
            // A program of the image's has the image's.
            let isHosts = launch.plan.hooks[index].station == .createContainer
            launch.plan.hooks[index].environment = isHosts ? Self.hostEnvironment : exec.environment
        }
    }

    /// Milliseconds: less than for how long a launch is waited for (`BoundedMonitor.launchLimit`).
    private static let patience: UInt32 = 100_000

    private static let hostEnvironment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]

    /// `config.json` of the bundle: what hooks look up. Variables are not in it, since they hold secrets.
    var hookConfiguration: JSONValue {
        let process = launch.plan.process
        let user: JSONValue = [
            "uid": .integer(Int64(process.user.userID)), "gid": .integer(Int64(process.user.groupID)),
        ]
        return [
            "ociVersion": .string(Self.specificationVersion), "root": ["path": "rootfs"],
            "process": [
                "args": .list(process.arguments), "cwd": .string(process.workingDirectory), "user": user,
            ],
        ]
    }
}
