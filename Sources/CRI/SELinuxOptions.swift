/// The parts of an SELinux label that are asked for; those that are empty are the node's to say.
package struct SELinuxOptions: Sendable, Hashable {
    package var user: String
    package var role: String
    package var type: String
    package var level: String

    /// A label of which all is the node's to say.
    package static let unspecified = SELinuxOptions()

    private init() { (user, role, type, level) = ("", "", "", "") }

    /// Nil where nothing is asked for.
    package init?(user: String = "", role: String = "", type: String = "", level: String = "") {
        guard !(user.isEmpty && role.isEmpty && type.isEmpty && level.isEmpty) else { return nil }
        (self.user, self.role, self.type, self.level) = (user, role, type, level)
    }
}
