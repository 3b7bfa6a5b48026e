import CLaunch
import Launch

/// A network device of ours that is in another namespace.
package struct MovedDevice: Sendable, Hashable {
    /// Its name here.
    package var hostName: String
    /// What it was to be called there.
    package var name: String
    package var hostNumber: Int32
    package var number: Int32
    package var wasUp: Bool

    package init(hostName: String, name: String, hostNumber: Int32, number: Int32, wasUp: Bool) {
        self.hostName = hostName
        self.name = name
        self.hostNumber = hostNumber
        self.number = number
        self.wasUp = wasUp
    }

    /// Takes a device to a network namespace, where it is up and has its addresses. Blocks.
    package init(moving hostName: String, to namespace: Int32, as name: String) throws(KernelError) {
        var moved = crt_moved()
        let code = crt_move_device(hostName, namespace, name, &moved)
        guard code == 0 else { throw KernelError("move network device", hostName, -code) }
        self.init(
            hostName: hostName, name: name, hostNumber: moved.old_number, number: moved.number,
            wasUp: moved.was_up != 0)
    }

    /// With the addresses that it has by then; up if it was. Blocks.
    package func takeBack(from namespace: Int32) throws(KernelError) {
        var moved = crt_moved()
        (moved.number, moved.old_number, moved.was_up) = (number, hostNumber, wasUp ? 1 : 0)
        withUnsafeMutableBytes(of: &moved.old_name) { $0.copyBytes(from: hostName.utf8.prefix($0.count - 1)) }
        let code = crt_return_device(&moved, namespace)
        guard code == 0 else { throw KernelError("take back network device", hostName, -code) }
    }
}
