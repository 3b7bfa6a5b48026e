/// A pod's own users and groups: those from 0 on are so many of the node's.
package struct PodUsers: Sendable, Hashable {
    /// The pod's 0...count-1, as the node counts them.
    package struct Range: Sendable, Hashable {
        /// The node's number of the pod's 0. Never 0 itself.
        package var first: UInt32
        package var count: UInt32

        package init(first: UInt32, count: UInt32) {
            self.first = first
            self.count = count
        }

        package func overlaps(_ other: Range) -> Bool {
            UInt64(first) < UInt64(other.first) + UInt64(other.count)
                && UInt64(other.first) < UInt64(first) + UInt64(count)
        }
    }

    package var users: Range
    package var groups: Range

    package func overlaps(_ other: PodUsers) -> Bool {
        users.overlaps(other.users) || groups.overlaps(other.groups)
    }

    package init(users: Range, groups: Range) {
        self.users = users
        self.groups = groups
    }
}
