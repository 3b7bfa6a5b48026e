import JSONTree

/// One aspect of an object's state, as its controller last saw it.
package struct Condition: APIValue {
    package final class Fields: FieldSet {
        package let type = Total<String>("type", "Name of the condition.", .required, .format(.qualifiedName))
        package let status = Total<String>(
            "status", "Whether it holds.", .required, .oneOf(["True", "False", "Unknown"]))
        package let observedGeneration = Total<Int64>(
            "observedGeneration", "Generation of the object that the condition was set for.", .minimum(0))
        package let lastTransitionTime = Total<Timestamp>(
            "lastTransitionTime", "When the status last changed.", .required)
        package let reason = Total<String>("reason", "One CamelCase word that says why.", .required, .maxLength(1_024))
        package let message = Total<String>("message", "What a person should know.", .required, .maxLength(32_768))
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
