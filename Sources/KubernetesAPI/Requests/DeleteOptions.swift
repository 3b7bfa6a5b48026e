import APIMachinery
import JSONTree

/// How to delete an object.
package struct DeleteOptions: APIValue {
    package final class Fields: FieldSet {
        package let apiVersion = Key<String>("apiVersion", "Group and version of the options.")
        package let kind = Key<String>("kind", "Always DeleteOptions.")
        package let dryRun = Total<[String]>("dryRun", "All: do everything but the write.", .atomic)
        package let gracePeriodSeconds = Key<Int64>(
            "gracePeriodSeconds",
            "Seconds that the object gets to end; the kind's default where absent, 0 for at once.", .minimum(0))
        package let ignoreStoreReadErrorWithClusterBreakingPotential = Total<Bool>(
            "ignoreStoreReadErrorWithClusterBreakingPotential",
            "Delete an object that can no longer be read, without its finalizers.")
        package let orphanDependents = Key<Bool>("orphanDependents", "Older form of propagationPolicy.")
        package let preconditions = Key<Preconditions>("preconditions", "What must hold for the object to be deleted.")
        package let propagationPolicy = Key<String>(
            "propagationPolicy", "What becomes of objects that this one owns.",
            .oneOf(["Orphan", "Background", "Foreground"]))
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What must hold for a request to be carried out.
package struct Preconditions: APIValue {
    package final class Fields: FieldSet {
        package let resourceVersion = Key<String>("resourceVersion", "The version that the object must have.")
        package let uid = Key<String>("uid", "The identifier that the object must have.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
