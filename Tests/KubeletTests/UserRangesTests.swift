import CRI
import Glibc
import KubernetesAPI
import Linux
import TestSupport
import Testing

@testable import Kubelet

@Suite struct UserRangesTests {
    private func inDirectories(_ body: (PodDirectories) async throws -> Void) async throws {
        let root = "\(temporaryDirectory)/user-ranges-\(UInt32.random(in: .min ... .max))"
        defer { try? TreeRemoval.remove(root) }
        try await body(PodDirectories(data: root + "/d", run: root + "/r"))
    }

    @Test func everyPodHasItsOwnAndKeepsIt() async throws {
        try await inDirectories { directories in
            let ranges = UserRanges(directories)
            let first = try ranges.range(of: "a")
            #expect(first == PodUsers.Range(first: 65_536, count: 65_536))
            #expect(try ranges.range(of: "b").first == 2 * 65_536 && ranges.range(of: "a") == first)
            // The next daemon reads what the last one gave.
            let later = UserRanges(directories)
            #expect(try later.range(of: "c").first == 3 * 65_536 && later.range(of: "b").first == 2 * 65_536)
        }
    }

    @Test func aPodThatIsGoneLeavesItsRangeToTheNext() async throws {
        try await inDirectories { directories in
            let host = VolumeHost(directories: directories, threads: BlockingThreads(count: 1))
            let first = try await host.users(of: "a")
            #expect(try await host.users(of: "b") != first)
            try await host.clean("a", logs: directories.run + "/logs")
            #expect(await host.pods() == ["b"])
            #expect(try await host.users(of: "c") == first)
        }
    }

    @Test func theLowestThatIsFreeIsNext() {
        #expect(UserRanges.free(among: []) == 1)
        #expect(UserRanges.free(among: [1, 2, 4]) == 3)
        #expect(UserRanges.free(among: Set(1...UserRanges.last)) == nil)
        // No user is 4294967295.
        #expect(UInt64(UserRanges.last + 1) * 65_536 - 1 < UInt64(UInt32.max))
    }

    @Test func aDamagedRecordIsNamedAndNothingIsGivenTwice() async throws {
        try await inDirectories { directories in
            try WholeFile.makeDirectories(directories.volatilePod("a"))
            for text in ["", "0", "65535", "many"] {
                try WholeFile.replace(directories.users("a"), with: Array(text.utf8), durable: false)
                do throws(KernelError) {
                    _ = try UserRanges(directories).range(of: "b")
                    Issue.record("\"\(text)\" was taken for a range")
                } catch {
                    #expect(error.description.contains(directories.users("a")))
                }
            }
        }
    }

    /// What is not known to be free may be another pod's.
    @Test func aRecordThatCannotBeReadIsNotTakenForNone() async throws {
        try await inDirectories { directories in
            let ranges = UserRanges(directories)
            let first = try ranges.range(of: "a")
            try FileOperations.makeDirectories(directories.volatilePod("with the node's users"))
            #expect(try UserRanges(directories).range(of: "a") == first)
            try #require(rename(directories.users("a"), directories.users("a") + ".real") == 0)
            try #require(symlink(directories.users("a") + ".real", directories.users("a")) == 0)
            do throws(KernelError) {
                let range = try UserRanges(directories).range(of: "b")
                Issue.record("pod b got \(range), and pod a has \(first)")
            } catch {
                #expect(error.description.contains(directories.users("a")))
            }
        }
    }

    @Test func aPodIsNotRunWithTheNodesUsersInstead() async throws {
        let fixture = DirectoryFixture()
        let pod = Pod(name: "p", namespace: "default") {
            $0.metadata.uid = "u"
            $0.spec.hostUsers = false
        }
        do throws(OperationError) {
            try await fixture.executor.createSandbox(pod, attempt: 0)
            Issue.record("a sandbox was made by a runtime without user namespaces")
        } catch {
            #expect(error.message.contains("spec.hostUsers: false") && error.message.contains("leave hostUsers out"))
        }
        fixture.runtime.setUserNamespaces(true)
        try await fixture.executor.createSandbox(pod, attempt: 0)
        let made = try await fixture.runtime.listPodSandboxes(PodSandboxFilter()).first
        let config = made.flatMap { fixture.runtime.sandboxConfig($0.id) }
        let range = PodUsers.Range(first: 65_536, count: 65_536)
        #expect(config?.users == PodUsers(users: range, groups: range))
    }
}
