import Glibc
import Testing

@testable import Linux

/// Another namespace is root's to enter.
@Suite(.enabled(if: geteuid() == 0)) struct NetworkDevicesTests {
    private func own() throws -> SharedDescriptor {
        SharedDescriptor(try Descriptor.open("/proc/thread-self/ns/net", O_RDONLY))
    }

    @Test func everyNamespaceHasItsLoopbackFirst() throws {
        let namespace = try own()
        #expect(try NetworkDevices.name(of: 1, in: namespace) == "lo")
        #expect(try NetworkDevices.has("lo", in: namespace))
        #expect(try NetworkDevices.name(of: .max, in: namespace) == nil)
        #expect(try !NetworkDevices.has("no-such-device", in: namespace))
    }

    @Test func whatCannotBeGivenStays() throws {
        let failure = #expect(throws: NetworkDevices.Failure.self) {
            try NetworkDevices.give("no-such-device", as: "net1", to: try own())
        }
        #expect(failure == NetworkDevices.Failure(code: ENODEV))
    }
}
