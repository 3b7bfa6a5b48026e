import CRI
import ContainerRuntime
import JSONTree
import Linux
import PodNetwork
import Testing

@testable import Daemon

@Suite struct DiagnosisTests {
    private static let sandbox = String(repeating: "a", count: 64)
    private static let container = String(repeating: "c", count: 64)
    private let paths = RuntimePaths(data: "/d", state: "/r", cgroupRoot: "/cg/swiftlet-abc")

    /// One pod that runs as it should.
    private func healthy(daemon: Bool = true) throws -> Survey {
        var survey = Survey(instance: try #require(InstanceName("abc")), paths: paths)
        survey.isDaemonRunning = daemon
        survey.books = try RuntimeBooks([
            "sandboxes": [
                [
                    "id": .string(Self.sandbox), "podUID": "uid-1", "pod": "default/web", "phase": "ready",
                    "createdAt": 1, "cgroup": "/cg/swiftlet-abc/pods/uid-1_a", "hasNetwork": true,
                    "hasSharedMemory": true, "addresses": ["10.42.0.5"],
                    "containers": [
                        ["id": .string(Self.container), "name": "main", "phase": "running", "process": 12]
                    ],
                    "monitor": ["process": 11, "answers": true, "ended": []],
                ]
            ]
        ])
        survey.runtime.cgroups = [
            .init(
                path: "/cg/swiftlet-abc/pods/uid-1_a",
                groups: ["monitor": [11], String(Self.container.prefix(32)): [12]])
        ]
        survey.runtime.processes = [11, 12]
        survey.runtime.mounts = [FilePath(paths.sharedMemory(of: Self.sandbox))]
        survey.runtime.directories = ["/r/sandboxes/" + Self.sandbox.prefix(20), "/d/containers/" + Self.container]
        let address = IPv4Address(10, 42, 0, 5)
        survey.network = PodNetworkInventory(
            owned: OwnedNetworkObjects(
                links: ["sw-abc-n", "sw-abc-p5"], tables: ["swiftlet-abc", "swiftlet-abc-services"]),
            held: [.init(sandbox: Self.sandbox, address: address, hasPorts: true)], routed: [address],
            forwarded: [address])
        survey.pods = ["uid-1"]
        survey.podFiles = [.init(uid: "uid-1", path: "/d/kubelet/pods/uid-1")]
        survey.podMounts = ["/d/kubelet/pods/uid-1/volumes/memory"]
        survey.revision = 7
        survey.seenRevision = 7
        return survey
    }

    /// What is found once `change` has been done to the pod that runs well.
    private func found(daemon: Bool = true, _ change: (inout Survey) -> Void) throws -> [Finding] {
        var survey = try healthy(daemon: daemon)
        change(&survey)
        return Diagnosis.findings(in: survey)
    }

    @Test func nothingIsWrongWithAPodThatRuns() throws {
        #expect(try found { _ in } == [])
        #expect(try found(daemon: false) { $0.pods = nil } == [])
    }

    @Test func whatHasNoOwnerIsFound() throws {
        let cgroup = try found { $0.runtime.cgroups.append(.init(path: "/cg/swiftlet-abc/pods/x", groups: ["y": [9]])) }
        #expect(cgroup.map(\.kind) == [.cgroup] && cgroup.first?.problem.contains("9") == true)
        #expect(try found { $0.runtime.cgroups[0].groups["other"] = [] }.map(\.kind) == [.cgroup])
        #expect(try found { $0.runtime.otherCgroups = ["/cg/swiftlet-abc/x"] }.map(\.kind) == [.cgroup])
        #expect(try found { $0.runtime.mounts.append("/r/sandboxes/x/shm") }.map(\.kind) == [.mount])
        #expect(try found { $0.runtime.mounts += $0.runtime.mounts }.map(\.kind) == [.mount])
        #expect(try found { $0.runtime.directories.append("/d/containers/x") }.map(\.kind) == [.file])
        let record = "/r/sandboxes/" + Self.sandbox.prefix(20) + "/containers/x.json"
        #expect(try found { $0.runtime.containerRecords = [record] }.map(\.object) == [record])
        #expect(try found { $0.network.owned.links.append("sw-abc-p6") }.map(\.kind) == [.link])
        #expect(try found { $0.network.owned.tables.append("swiftlet-abc-old") }.map(\.kind) == [.rule])
        let address = IPv4Address(10, 42, 0, 6)
        let held = try found { $0.network.held.append(.init(sandbox: "gone", address: address)) }
        #expect(held.map(\.object) == ["10.42.0.6"] && held.first?.kind == .address)
        #expect(try found { $0.network.forwarded.insert(address) }.map(\.kind) == [.rule])
        let files = try found { $0.podFiles.append(.init(uid: "gone", path: "/l/default_x_gone")) }
        #expect(files.map(\.object) == ["/l/default_x_gone"])
        let log = { @Sendable (survey: inout Survey) in
            survey.runLogs = [.init(uid: "uid-1", path: "/d/runs/uid-1"), .init(uid: "lost", path: "/d/runs/lost")]
        }
        let logs = try found(log)
        #expect(logs.map(\.object) == ["/d/runs/lost"] && logs.first?.remedy == .removeFiles("/d/runs/lost"))
        #expect(try found(daemon: false, log) == [])
        #expect(try found { $0.podMounts.append("/d/kubelet/pods/gone/volumes/m") }.map(\.kind) == [.mount])
    }

    /// In the pod's group those before its program and after its start, beside all pods those after its end.
    @Test func hooksThatRunAreTheirContainers() throws {
        let name = Self.container.prefix(32) + "-hooks"
        for (isOfThePod, group) in [
            (true, "/cg/swiftlet-abc/pods/uid-1_a/" + name), (false, "/cg/swiftlet-abc/" + name),
        ] {
            let run = { @Sendable (survey: inout Survey) in
                if isOfThePod {
                    survey.runtime.cgroups[0].groups[String(name)] = [13]
                } else {
                    survey.runtime.otherCgroups = [group]
                }
            }
            #expect(try found(run).map(\.object) == [group])
            let known = try found { survey in
                run(&survey)
                survey.books.sandboxes[0].containers[0].hookGroup = group
            }
            #expect(known == [])
        }
    }

    @Test func aStoppedSandboxHoldsNothing() throws {
        let left = try found { $0.books.sandboxes[0].phase = "notReady" }
        #expect(Set(left.map(\.kind)) == [.cgroup, .mount, .link, .address, .rule])
    }

    @Test func aPodThatLacksSomethingIsFound() throws {
        let changes: [(String, (inout Survey) -> Void)] = [
            ("its monitor", { $0.runtime.cgroups[0].groups["monitor"] = [] }),
            ("its shared memory", { $0.runtime.mounts = [] }),
            ("its link", { $0.network.owned.links = ["sw-abc-n"] }),
            ("its route", { $0.network.routed = [] }),
            ("its cgroup, its monitor", { $0.runtime.cgroups = [] }),
        ]
        for (lack, change) in changes {
            let found = try found(change)
            #expect(found.map(\.kind) == [.pod] && found.first?.problem.hasSuffix(lack) == true)
            #expect(found.first?.remedy == .stopSandbox(Self.sandbox))
        }
        let silent = try found { $0.books.sandboxes[0].monitor?.answers = false }
        #expect(silent.map(\.kind) == [.monitor])
        #expect(try found { $0.books.sandboxes[0].phase = "removing" }.contains { $0.problem.contains("removal") })
    }

    @Test func nothingMayBeTwice() throws {
        let twin = String(repeating: "b", count: 64)
        let twice = try found { survey in
            var other = survey.books.sandboxes[0]
            other.id = twin
            other.podUID = "uid-2"
            other.containers = []
            survey.books.sandboxes.append(other)
        }
        #expect(twice.contains { $0.kind == .address && $0.remedy == .stopSandbox(twin) })
        let pod = try found { survey in
            var other = survey.books.sandboxes[0]
            other.id = twin
            other.addresses = []
            survey.books.sandboxes.append(other)
        }
        #expect(pod.contains { $0.object == "default/web twice" && $0.remedy == .stopSandbox(Self.sandbox) })
        let users = try found { survey in
            let range = PodUsers.Range(first: 65_536, count: 65_536)
            survey.books.sandboxes[0].users = PodUsers(users: range, groups: range)
            var other = survey.books.sandboxes[0]
            (other.id, other.podUID, other.addresses) = (twin, "uid-2", [])
            other.users?.users.first = 131_072
            survey.books.sandboxes.append(other)
        }
        #expect(users.contains { $0.object == "user 131072 twice" && $0.remedy == .stopSandbox(twin) })
        let container = try found { survey in
            var other = survey.books.sandboxes[0].containers[0]
            other.id = "d"
            survey.books.sandboxes[0].containers.append(other)
        }
        #expect(container.contains { $0.object.contains("main") && $0.object.hasSuffix("twice") })
        let ended = try found { $0.books.sandboxes[0].containers[0].phase = "exited" }
        #expect(ended.map(\.kind) == [.process])
    }

    @Test func anExitThatWasNotReportedIsFound() throws {
        let ended = try found { $0.books.sandboxes[0].monitor?.ended = [Self.container] }
        #expect(ended.map(\.kind) == [.exit] && ended.first?.object == "container main of default/web")
        let kept = try found { $0.books.sandboxes[0].monitor?.unacknowledged = .init(count: 2, oldest: 4) }
        #expect(kept.map(\.object) == ["exit 4 of default/web"])
    }

    @Test func aStoreThatWentBackIsFound() throws {
        let back = try found { $0.revision = 6 }
        #expect(back.map(\.remedy) == [.acceptRevision(6)])
        #expect(try found { $0.seenRevision = nil }.isEmpty)
        #expect(try found { $0.revision = nil }.isEmpty)
    }

    @Test func theReportExplainsWhatItFound() throws {
        var survey = try healthy()
        #expect(DoctorReport(findings: [], survey: survey).text.hasPrefix("nothing is wrong: 1 pods, 1 containers"))
        survey.runtime.mounts.append("/r/sandboxes/x/shm")
        var unwell = survey
        unwell.hostTroubles = ["DataDiskStalled: a small write takes long"]
        let told = DoctorReport(findings: [], survey: unwell)
        #expect(
            told.text.hasPrefix(
                "the machine is unwell: DataDiskStalled: a small write takes long\nnothing else is wrong: 1 pods"))
        #expect(told.json["host"]?.array?.count == 1 && told.isClean)
        let report = DoctorReport(findings: Diagnosis.findings(in: survey), survey: survey)
        #expect(!report.isClean && report.text.contains("MOUNT  /r/sandboxes/x/shm"))
        #expect(report.text.contains("--fix unmounts it"))
        #expect(report.json["findings"]?.array?.first?["kind"]?.string == "mount")
    }
}
