import CRI
import Glibc
import Linux
import TestSupport
import Testing

@testable import ContainerRuntime

/// The kernel's texts that figures are read from.
@Suite struct TallyTests {
    @Test func aProcessIsAddedUp() {
        var tally = ProcessTally()
        let status =
            "Name:\tsh\nVmHWM:\t    900 kB\nRssAnon:\t     100 kB\nRssFile:\t 20 kB\nRssShmem:\t 4 kB\nThreads:\t3\nVmPTE: 8 kB\n"
        tally.add(status: status)
        tally.add(status: status + "VmSwap:\t1 kB\n")
        #expect(tally.processes == 2 && tally.threads == 6)
        #expect(tally.anonymous == 200 << 10 && tally.mappedFile == 40 << 10 && tally.shared == 8 << 10)
        #expect(tally.peak == 1_800 << 10 && tally.pageTables == 16 << 10 && tally.swap == 1 << 10)
    }

    @Test func limitsAndPageSizes() {
        let limits =
            "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 4096                 files\n"
        #expect(ProcFiles.openFilesLimit(limits) == 1_024)
        #expect(
            ProcFiles.openFilesLimit("Max open files            unlimited            unlimited            files\n")
                == nil)
        #expect(ProcFiles.hugePageSize("hugepages-2048kB") == "2MB")
        #expect(ProcFiles.hugePageSize("hugepages-1048576kB") == "1GB")
        #expect(ProcFiles.hugePageSize("hugepages-64kB") == "64KB")
        #expect(ProcFiles.hugePageSize("other") == nil)
    }

    @Test func disksAndInterfaces() {
        let disks = CgroupFiles.devices("8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n8:16 \n")
        #expect(disks == [DeviceTally(device: "8:0", readBytes: 4_096, writtenBytes: 8_192, reads: 1, writes: 2)])
        let text = """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
              eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0
            """
        let interfaces = InterfaceStats.all(kernelText: text)
        #expect(interfaces.map(\.name) == ["eth0"])
        #expect(interfaces.first?.received == .init(bytes: 1_000, packets: 10, errors: 1, dropped: 2))
        #expect(interfaces.first?.sent == .init(bytes: 2_000, packets: 20, errors: 3, dropped: 4))
    }
}

/// Others make and remove groups beside ours at any moment.
@Suite struct CgroupListingTests {
    @Test func groupsThatGoWhileTheyAreListedAreNone() async throws {
        var template = Array("\(temporaryDirectory)/swiftlet-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw KernelError("mkdtemp", temporaryDirectory) }
        let root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { rmdir(root) }
        let changes = Task.detached {
            for turn in 0..<20_000 where !Task.isCancelled {
                let path = root + "/" + String(turn % 8)
                _ = mkdir(path, 0o700)
                rmdir(path)
            }
        }
        for _ in 0..<2_000 {
            #expect(try SystemKernel().childCgroups(of: root).count <= 8)
            #expect(try SystemKernel().childCgroups(of: root + "/0").isEmpty)
        }
        changes.cancel()
        await changes.value
    }
}
