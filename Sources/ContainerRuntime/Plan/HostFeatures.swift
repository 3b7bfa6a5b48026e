import Linux

/// What this node offers to containers; probed once when the runtime starts.
package struct HostFeatures: Sendable, Hashable {
    /// The controllers that containers' cgroups have.
    package var controllers: Set<String>
    /// The capabilities this daemon can pass on, as a mask.
    package var capabilities: UInt64
    /// The nodes of the host's /dev, for privileged containers.
    package var devices: [HostDevice]

    package init(controllers: Set<String>, capabilities: UInt64, devices: [HostDevice] = []) {
        self.controllers = controllers
        self.capabilities = capabilities
        self.devices = devices
    }
}

/// A device node of the host.
package struct HostDevice: Sendable, Hashable {
    /// Absolute, beneath /dev.
    package var path: String
    package var isBlock: Bool
    package var major: UInt32
    package var minor: UInt32
    /// Permission bits.
    package var mode: UInt32
    package var userID: UInt32
    package var groupID: UInt32

    package init(
        path: String, isBlock: Bool, major: UInt32, minor: UInt32, mode: UInt32, userID: UInt32, groupID: UInt32
    ) {
        self.path = path
        self.isBlock = isBlock
        self.major = major
        self.minor = minor
        self.mode = mode
        self.userID = userID
        self.groupID = groupID
    }

    var node: DeviceNode {
        DeviceNode(
            path: path, kind: isBlock ? .block : .character, major: major, minor: minor, mode: mode, userID: userID,
            groupID: groupID)
    }
}
