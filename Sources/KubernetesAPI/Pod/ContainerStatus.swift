import APIMachinery
import JSONTree

/// How a container fares.
package struct ContainerStatus: APIValue {
    package final class Fields: FieldSet {
        package let allocatedResources = Total<[String: Quantity]>(
            "allocatedResources", "Requests that the node has set aside.")
        package let allocatedResourcesStatus = Total<[ResourceStatus]>(
            "allocatedResourcesStatus", "Health of the devices given to the container.", .listMap(["name"]),
            .mergeKey("name"))
        package let containerID = Key<String>("containerID", "Identifier with the runtime before it: RUNTIME://ID.")
        package let image = Total<String>("image", "Name of the image that runs.", .required)
        package let imageID = Total<String>("imageID", "Digest of the image that runs.", .required)
        package let lastState = Total<ContainerState>(
            "lastState", "The state before the last restart.", default: ContainerState())
        package let name = Total<String>("name", "Name of the container.", .required)
        package let ready = Total<Bool>("ready", "Whether it passes its readiness probe.", .required)
        package let resources = Key<ResourceRequirements>("resources", "Requests and limits in force.")
        package let restartCount = Total<Int32>(
            "restartCount", "How often it was started again.", .required, .minimum(0))
        package let started = Key<Bool>("started", "Whether it passed its startup probe and postStart action.")
        package let state = Total<ContainerState>("state", "The state now.", default: ContainerState())
        package let stopSignal = Key<String>("stopSignal", "Signal that asks it to end.")
        package let user = Key<ContainerUser>("user", "User and groups of its first process.")
        package let volumeMounts = Total<[VolumeMountStatus]>(
            "volumeMounts", "How its volumes are mounted.", .listMap(["mountPath"]), .mergeKey("mountPath"))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Waiting, running or terminated; waiting where none is set.
package struct ContainerState: APIValue {
    package final class Fields: FieldSet {
        package let running = Key<ContainerStateRunning>("running", "It runs.")
        package let terminated = Key<ContainerStateTerminated>("terminated", "It ended.")
        package let waiting = Key<ContainerStateWaiting>("waiting", "It has not started yet.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A container that runs.
package struct ContainerStateRunning: APIValue {
    package final class Fields: FieldSet {
        package let startedAt = Key<Timestamp>("startedAt", "When it was started.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A container that ended.
package struct ContainerStateTerminated: APIValue {
    package final class Fields: FieldSet {
        package let containerID = Key<String>("containerID", "Identifier with the runtime before it: RUNTIME://ID.")
        package let exitCode = Total<Int32>("exitCode", "Exit code of its first process.", .required)
        package let finishedAt = Key<Timestamp>("finishedAt", "When it ended.")
        package let message = Key<String>("message", "Its termination message.")
        package let reason = Key<String>("reason", "Why it ended, in one word: Completed, Error, OOMKilled.")
        package let signal = Key<Int32>("signal", "Signal that ended it.")
        package let startedAt = Key<Timestamp>("startedAt", "When it was started.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A container that does not run yet, or not again.
package struct ContainerStateWaiting: APIValue {
    package final class Fields: FieldSet {
        package let message = Key<String>("message", "Details for people.")
        package let reason = Key<String>(
            "reason", "Why, in one word: ContainerCreating, CrashLoopBackOff, ImagePullBackOff.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Who a container's first process runs as.
package struct ContainerUser: APIValue {
    package final class Fields: FieldSet {
        package let linux = Key<LinuxContainerUser>("linux", "User and groups on Linux.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// User and groups of a process on Linux.
package struct LinuxContainerUser: APIValue {
    package final class Fields: FieldSet {
        package let gid = Total<Int64>("gid", "Its group.", .required)
        package let supplementalGroups = Total<[Int64]>("supplementalGroups", "Its other groups.", .atomic)
        package let uid = Total<Int64>("uid", "Its user.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Health of the devices behind one resource.
package struct ResourceStatus: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the resource, or claim:NAME/REQUEST.", .required)
        package let resources = Total<[ResourceHealth]>("resources", "Each device.", .listMap(["resourceID"]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Health of one device.
package struct ResourceHealth: APIValue {
    package final class Fields: FieldSet {
        package let health = Key<String>("health", "Healthy, Unhealthy or Unknown.")
        package let message = Key<String>("message", "Details for people.")
        package let resourceID = Total<String>("resourceID", "Identifier of the device.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// How a volume is mounted in a container.
package struct VolumeMountStatus: APIValue {
    package final class Fields: FieldSet {
        package let mountPath = Total<String>("mountPath", "Where it is mounted.", .required)
        package let name = Total<String>("name", "Name of the volume.", .required)
        package let readOnly = Total<Bool>("readOnly", "Mounted read-only.")
        package let recursiveReadOnly = Key<String>(
            "recursiveReadOnly", "Whether mounts below it are read-only too.",
            .oneOf(["Disabled", "IfPossible", "Enabled"]))
        package let volumeStatus = Key<VolumeStatus>("volumeStatus", "What is particular to the kind of volume.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What is particular to a kind of volume.
package struct VolumeStatus: APIValue {
    package final class Fields: FieldSet {
        package let image = Key<ImageVolumeStatus>("image", "An image volume.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The image behind a volume.
package struct ImageVolumeStatus: APIValue {
    package final class Fields: FieldSet {
        package let imageRef = Total<String>("imageRef", "Digest of the image.", .required, .maxLength(256))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
