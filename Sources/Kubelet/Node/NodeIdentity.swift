/// What this node calls itself.
package struct NodeIdentity: Sendable, Hashable {
    package var name: String
    /// The addresses other machines reach it by, first the one to prefer.
    package var addresses: [String]
    /// Whose the ids of containers are: what a status writes before `://`.
    package var runtimeName = "swiftlet"

    package init(name: String, addresses: [String]) {
        self.name = name
        self.addresses = addresses
    }
}
