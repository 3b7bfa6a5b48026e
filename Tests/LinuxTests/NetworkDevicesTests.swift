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

    /// A thread has a namespace of its own, which that of its process's first thread does not tell.
    @Test func aThreadComesBackToItsOwnNamespace() async throws {
        let places = try await Place().placesAround { _ = try NetworkDevices.has("lo", in: try own()) }
        #expect(places.others != places.before && places.after == places.before)
    }
}

/// A thread in a network namespace of its own.
private actor Place {
    private let executor = ThreadExecutor(name: "place")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Where the process is, and the thread before and after `body`.
    func placesAround(
        _ body: @Sendable () throws -> Void
    ) throws -> (others: String, before: String, after: String) {
        // CLONE_NEWNET; the headers show neither to Swift.
        typealias Call = @convention(c) (Int32) -> Int32
        let unshare = unsafeBitCast(try #require(dlsym(nil, "unshare")), to: Call.self)
        guard unshare(0x4000_0000) == 0 else { throw KernelError("unshare", "network") }
        let before = place("thread-self")
        try body()
        return (place("self"), before, place("thread-self"))
    }

    private func place(_ process: String) -> String {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = readlink("/proc/\(process)/ns/net", &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
