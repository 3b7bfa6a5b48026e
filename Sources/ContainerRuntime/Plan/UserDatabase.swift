/// An image's users and groups: /etc/passwd and /etc/group as they stand in it. Lines that are no entries are passed over.
struct UserDatabase: Sendable, Hashable {
    struct User: Sendable, Hashable {
        var name: String
        var userID: UInt32
        var groupID: UInt32
        var home: String
    }

    struct Group: Sendable, Hashable {
        var name: String
        var groupID: UInt32
        var members: [String]
    }

    var users: [User]
    var groups: [Group]

    /// - Parameter passwd: The file's bytes; empty where the image has none.
    init(passwd: [UInt8], group: [UInt8]) {
        users = Self.lines(passwd).compactMap { fields in
            guard fields.count >= 6, let userID = Self.identity(fields[2]), let groupID = Self.identity(fields[3])
            else {
                return nil
            }
            return User(name: fields[0], userID: userID, groupID: groupID, home: fields[5])
        }
        groups = Self.lines(group).compactMap { fields in
            guard fields.count >= 3, let groupID = Self.identity(fields[2]) else { return nil }
            let members = fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : []
            return Group(name: fields[0], groupID: groupID, members: members)
        }
    }

    func user(named name: String) -> User? { users.first { $0.name == name } }
    func user(_ userID: UInt32) -> User? { users.first { $0.userID == userID } }
    func group(named name: String) -> Group? { groups.first { $0.name == name } }

    /// The groups that list a user as member, ascending.
    func supplementaryGroups(of name: String) -> [UInt32] {
        groups.filter { $0.members.contains(name) }.map(\.groupID).sorted()
    }

    /// 0 to 2^31 - 1: what lies above wraps around to other identities on its way to the kernel (CVE-2024-40635).
    static func identity(_ text: some StringProtocol) -> UInt32? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int32(text) else {
            return nil
        }
        return UInt32(number)
    }

    private static func lines(_ bytes: [UInt8]) -> [[String]] {
        bytes.split(separator: 10).map { line in
            line.split(separator: 58, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        }
    }
}
