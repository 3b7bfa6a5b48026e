import CLaunch
import Glibc
import Launch

/// Network devices that change their namespace. Every call blocks.
package enum NetworkDevices {
    /// Why a device could not be given.
    package struct Failure: Error, Sendable, Hashable {
        /// ENODEV where there is none of the name here, EEXIST where its new name is taken there.
        package let code: Int32
        /// What it has there nevertheless, since it could not be taken back: it may be without its addresses. nil: it is where it was.
        package let number: Int32?

        package init(code: Int32, number: Int32? = nil) {
            self.code = code
            self.number = number
        }
    }

    /// Takes a device of the caller's network namespace to another, where it is called `name`, has its addresses that are to last, and is up.
    /// - Returns: its number there.
    package static func give(
        _ device: String, as name: String, to namespace: SharedDescriptor
    ) throws(Failure) -> Int32 {
        let place: Descriptor
        do throws(KernelError) { place = try namespace.duplicate() } catch { throw Failure(code: error.code) }
        var moved = crt_moved()
        defer { crt_forget_device(&moved) }
        let code = crt_move_device(device, place.raw, name, &moved)
        guard code == 0 else { throw Failure(code: -code, number: moved.number > 0 ? moved.number : nil) }
        return moved.number
    }

    /// Takes hardware back by its number there: here it is called `device`, down and without addresses. What is made by software is left, and no such number is
    /// as good.
    package static func takeBack(
        _ device: String, number: Int32, from namespace: SharedDescriptor
    ) throws(KernelError) {
        let place = try namespace.duplicate()
        guard let found = try look(up: number, in: place), found.is_hardware != 0 else { return }
        var moved = crt_moved()
        (moved.number, moved.old_number) = (number, number)
        withUnsafeMutableBytes(of: &moved.old_name) { $0.copyBytes(from: device.utf8.prefix($0.count - 1)) }
        let code = crt_return_device(&moved, place.raw)
        guard code == 0 else { throw KernelError("take back network device", device, -code) }
    }

    /// What a device of a network namespace is called; nil: there is none of the number.
    package static func name(of number: Int32, in namespace: SharedDescriptor) throws(KernelError) -> String? {
        let place = try namespace.duplicate()
        guard let found = try look(up: number, in: place) else { return nil }
        return withUnsafeBytes(of: found.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Whether a network namespace has a device of the name.
    package static func has(_ name: String, in namespace: SharedDescriptor) throws(KernelError) -> Bool {
        let place = try namespace.duplicate()
        let code = crt_device_number(place.raw, name)
        guard code > 0 || code == -ENODEV else { throw KernelError("look up network device", name, -code) }
        return code > 0
    }

    private static func look(
        up number: Int32, in namespace: borrowing Descriptor
    ) throws(KernelError) -> crt_device? {
        var found = crt_device()
        let code = crt_find_device(namespace.raw, number, &found)
        guard code == 0 || code == -ENODEV else { throw KernelError("look up network device", number, -code) }
        return code == 0 ? found : nil
    }
}
