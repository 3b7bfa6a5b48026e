import CRI

/// Who a container's processes are, in numbers.
struct ProcessIdentity: Sendable, Hashable {
    var userID: UInt32
    var groupID: UInt32
    /// Ascending, without duplicates.
    var supplementaryGroups: [UInt32]
    /// Those of them that were asked for beside the user's own.
    private(set) var addedGroups: [UInt32]
    /// From the image's /etc/passwd, or `/`.
    var home: String

    /// The pod's word goes before the image's; names are looked up in the image. A user without a group gets the one that the image's
    /// /etc/passwd gives it, or 0.
    /// - Parameters:
    ///   - imageUser: `user`, `uid`, `user:group` and so on; empty: root.
    init(_ security: ContainerSecurity, imageUser: String, database: UserDatabase) throws(CRIError) {
        let parts = imageUser.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let entry = try Self.user(security, String(parts.first ?? ""), database)
        userID = entry.userID
        if let group = security.group {
            groupID = try Self.number(group, "runAsGroup")
        } else if !security.groupName.isEmpty {
            groupID = try Self.group(security.groupName, database)
        } else if security.user == nil, security.userName.isEmpty, parts.count > 1, !parts[1].isEmpty {
            groupID = try Self.group(String(parts[1]), database)
        } else {
            groupID = entry.groupID
        }
        let isStrict = security.hasStrictGroups || entry.name.isEmpty
        var groups = isStrict ? [] : database.supplementaryGroups(of: entry.name)
        // The first group is among the others, so that a rule that denies it something holds whichever way it is looked for (CVE-2022-36109).
        groups.append(groupID)
        addedGroups = []
        for group in security.supplementalGroups { addedGroups.append(try Self.number(group, "supplementalGroups")) }
        for name in security.supplementalGroupNames { addedGroups.append(try Self.group(name, database)) }
        supplementaryGroups = Set(groups + addedGroups).sorted()
        home = entry.home.isEmpty ? "/" : entry.home
        if security.mustRunAsNonRoot && userID == 0 {
            throw .invalid(
                "runAsNonRoot is set, but the container would run as user 0: set runAsUser, or a user in the image")
        }
    }

    mutating func add(_ groups: [UInt32]) {
        addedGroups += groups
        supplementaryGroups = Set(supplementaryGroups + groups).sorted()
    }

    private static func user(
        _ security: ContainerSecurity, _ image: String, _ database: UserDatabase
    ) throws(CRIError) -> UserDatabase.User {
        if let user = security.user {
            let number = try number(user, "runAsUser")
            return database.user(number) ?? .init(name: "", userID: number, groupID: 0, home: "")
        }
        if !security.userName.isEmpty {
            if let found = database.user(named: security.userName) { return found }
            throw .invalid("the user \"\(security.userName)\" is not in the image's /etc/passwd")
        }
        if image.isEmpty { return database.user(0) ?? .init(name: "root", userID: 0, groupID: 0, home: "/root") }
        if let found = database.user(named: image) { return found }
        guard let number = UserDatabase.identity(image) else {
            throw .invalid("the image's user \"\(image)\" is neither in its /etc/passwd nor a number up to 2147483647")
        }
        return database.user(number) ?? .init(name: "", userID: number, groupID: 0, home: "")
    }

    private static func group(_ text: String, _ database: UserDatabase) throws(CRIError) -> UInt32 {
        if let found = database.group(named: text) { return found.groupID }
        guard let number = UserDatabase.identity(text) else {
            throw .invalid("the group \"\(text)\" is neither in the image's /etc/group nor a number up to 2147483647")
        }
        return number
    }

    private static func number(_ value: Int64, _ field: String) throws(CRIError) -> UInt32 {
        guard let number = Int32(exactly: value), number >= 0 else {
            throw .invalid("\(field) \(value) is out of range: 0 to 2147483647")
        }
        return UInt32(number)
    }
}
