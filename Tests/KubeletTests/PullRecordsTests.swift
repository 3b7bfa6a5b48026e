import JSONTree
import Linux
import TestSupport
import Testing

@testable import Kubelet

@Suite struct PullRecordsTests {
    private let mine = PullSecret(namespace: "a", name: "s", uid: "1", hash: "h")
    private let theirs = PullSecret(namespace: "b", name: "s", uid: "2", hash: "other")

    private func ledger(_ secret: PullSecret?) -> PullLedger {
        var ledger = PullLedger()
        ledger.begin("r/x:1", of: "r/x", present: nil)
        ledger.succeed("r/x:1", of: "r/x", as: "sha256:x", with: secret)
        return ledger
    }

    private func isOpen(_ ledger: PullLedger, to secrets: [PullSecret], of name: String = "r/x:1") -> Bool {
        let repository = String(name.prefix(3))
        return ledger.access(to: name, of: repository, as: "sha256:x").isOpen(to: secrets)
    }

    @Test func whatWasPulledWithASecretIsItsHoldersAlone() {
        let ledger = ledger(mine)
        #expect(isOpen(ledger, to: [mine]))
        #expect(!isOpen(ledger, to: []) && !isOpen(ledger, to: [theirs]))
        // The same credentials in another Secret, and the same Secret with others by now.
        #expect(isOpen(ledger, to: [theirs, PullSecret(namespace: "c", name: "t", uid: "3", hash: "h")]))
        #expect(isOpen(ledger, to: [PullSecret(namespace: "a", name: "s", uid: "1", hash: "new")]))
        // Under another name the same image is another's, and asked for there.
        #expect(!isOpen(ledger, to: [mine], of: "r/y:1"))
    }

    @Test func whatCameWithoutASecretIsEveryones() {
        var ledger = ledger(nil)
        #expect(isOpen(ledger, to: []))
        ledger.begin("r/x:1", of: "r/x", present: nil)
        ledger.succeed("r/x:1", of: "r/x", as: "sha256:x", with: mine)
        #expect(isOpen(ledger, to: []))
        #expect(isOpen(PullLedger(), to: []))
    }

    @Test func holdersAddUpAndTheOldestGoes() {
        var ledger = ledger(mine)
        for number in 0..<100 {
            let secret = PullSecret(namespace: "n", name: "s", uid: "u\(number)", hash: "h\(number)")
            ledger.succeed("r/x:1", of: "r/x", as: "sha256:x", with: secret)
            #expect(isOpen(ledger, to: [secret]))
        }
        #expect(!isOpen(ledger, to: [mine]))
    }

    @Test func aPullWhoseEndWasNotSeenLeavesTheImageClosed() throws {
        var ledger = PullLedger()
        ledger.begin("r/x:1", of: "r/x", present: nil)
        #expect(!isOpen(ledger, to: [mine]))
        var later = try #require(PullLedger(ledger.json))
        #expect(!isOpen(later, to: [mine]))
        // Only an earlier kubelet's is waited for.
        #expect(!ledger.isUnsettled && later.isUnsettled)
        // Nor does one that fails afterwards tell what became of the first.
        later.begin("r/x:1", of: "r/x", present: nil)
        later.fail("r/x:1")
        #expect(!isOpen(later, to: [mine]))
        later.begin("r/x:1", of: "r/x", present: nil)
        later.succeed("r/x:1", of: "r/x", as: "sha256:x", with: mine)
        #expect(isOpen(later, to: [mine]))
        var last = try #require(PullLedger(later.json))
        last.settle([:])
        #expect(isOpen(last, to: []) && !last.isUnsettled)
    }

    @Test func whatComesWhileItIsLookedStaysAsItCame() {
        var ledger = ledger(mine)
        ledger.settle([:])
        #expect(isOpen(ledger, to: [mine]) && !isOpen(ledger, to: []))
        ledger.succeed("r/x:1", of: "r/x", as: "sha256:x", with: mine)
        ledger.settle([:])
        #expect(isOpen(ledger, to: []))
    }

    @Test func whatBecameOfAPullIsFoundOutAtTheNextStart() throws {
        var ledger = PullLedger()
        ledger.begin("r/x:1", of: "r/x", present: nil)
        let left = try #require(PullLedger(ledger.json))
        // It may have come: nobody's, by whatever name.
        #expect(!isOpen(left, to: [mine]) && !isOpen(left, to: [mine], of: "r/x:2"))
        var come = left
        come.settle(["sha256:x": ["r/x:1", "r/x@sha256:x"]])
        #expect(!isOpen(come, to: [mine]) && !isOpen(come, to: [mine], of: "r/x:2"))
        // It had not: what is brought by hand afterwards is everyone's.
        var missing = left
        missing.settle(["sha256:y": ["r/y:1"]])
        #expect(isOpen(missing, to: []) && isOpen(missing, to: [], of: "r/x:2"))
        // One that runs by now is still one.
        var running = left
        running.begin("r/x:1", of: "r/x", present: nil)
        running.settle([:])
        #expect(!isOpen(running, to: []))
    }

    @Test func onePullOfTwoThatEndsLeavesTheOtherOpen() {
        var ledger = PullLedger()
        ledger.begin("r/x:1", of: "r/x", present: nil)
        ledger.begin("r/x:1", of: "r/x", present: nil)
        ledger.fail("r/x:1")
        #expect(!isOpen(ledger, to: [mine]))
        ledger.fail("r/x:1")
        #expect(isOpen(ledger, to: []))
    }

    @Test func whatWasThereBeforeAPullStaysOpenWhileItRuns() throws {
        var ledger = PullLedger()
        ledger.begin("r/x:1", of: "r/x", present: "sha256:x")
        #expect(isOpen(ledger, to: []))
        // What it brings is nobody's yet, also when another pull finds it there.
        #expect(ledger.access(to: "r/x:1", of: "r/x", as: "sha256:new") == .holders([]))
        ledger.begin("r/x:1", of: "r/x", present: "sha256:new")
        #expect(ledger.access(to: "r/x:1", of: "r/x", as: "sha256:new") == .holders([]))
        // The same after a crash, when it has brought something and when it has not.
        var come = try #require(PullLedger(ledger.json))
        #expect(isOpen(come, to: []))
        come.settle(["sha256:new": ["r/x:1"], "sha256:x": []])
        #expect(come.access(to: "r/x:1", of: "r/x", as: "sha256:new") == .holders([]))
        #expect(isOpen(come, to: []))
        var cut = try #require(PullLedger(ledger.json))
        cut.settle(["sha256:x": ["r/x:1"]])
        #expect(isOpen(cut, to: []))
        // A pull of the same image with a Secret makes it the holders'.
        ledger.succeed("r/x:1", of: "r/x", as: "sha256:x", with: mine)
        #expect(!isOpen(ledger, to: []) && isOpen(ledger, to: [mine]))
    }

    @Test func aHoldersImageStaysTheirsWhileAPullRuns() {
        var ledger = ledger(mine)
        ledger.begin("r/x:1", of: "r/x", present: "sha256:x")
        #expect(isOpen(ledger, to: [mine]) && !isOpen(ledger, to: [theirs]))
    }

    @Test func theNextKubeletReadsWhatTheLastOneWrote() async throws {
        let root = "\(temporaryDirectory)/pull-records-\(UInt32.random(in: .min ... .max))"
        defer { try? TreeRemoval.remove(root) }
        let threads = BlockingThreads(count: 1)
        let first = PullRecords(directory: root + "/d", threads: threads)
        #expect(try await first.access(to: "r/x:1", of: "r/x", as: "sha256:x") == .everyone)
        let secret = mine
        try await first.change { $0.succeed("r/x:1", of: "r/x", as: "sha256:x", with: secret) }
        try await first.change { $0.settle(["sha256:x": [], "sha256:z": []]) }
        let second = PullRecords(directory: root + "/d", threads: threads)
        #expect(try await second.access(to: "r/x:1", of: "r/x", as: "sha256:x") == .holders([mine]))

        for text in ["", "[]", #"{"begun": [1], "pulled": {}}"#, #"{"begun": [], "pulled": {"i": {"n": [{}]}}}"#] {
            try WholeFile.replace(root + "/d/pulled-images.json", with: Array(text.utf8), durable: false)
            let damaged = PullRecords(directory: root + "/d", threads: threads)
            let error = await #expect(throws: KernelError.self) {
                try await damaged.access(to: "r/x:1", of: "r/x", as: "sha256:x")
            }
            #expect(error?.description.contains("delete it") == true)
        }
    }
}
