import Glibc
import Testing

@testable import Linux

@Suite struct NetworkDevicesTests {
    @Test func namesStandBeforeTheColonsOfTheTable() {
        let table = """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets
                lo:    8124     103    0    0
              eth0: 1094     13    0    0
            averylongname01:1094     13    0    0

            """
        #expect(NetworkDevices.names(in: table) == ["lo", "eth0", "averylongname01"])
        #expect(NetworkDevices.names(in: "") == [])
    }

    /// Another namespace is root's to enter.
    @Test(.enabled(if: geteuid() == 0)) func everyNamespaceHasItsLoopbackFirst() throws {
        #expect(try NetworkDevices.all(of: getpid())["lo"] == 1)
    }
}
