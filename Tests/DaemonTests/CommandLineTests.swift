import APIMachinery
import ContainerRuntime
import HTTP
import JSONTree
import OCI
import Testing

@testable import Daemon

@Suite struct CommandLineTests {
    @Test func execMessagesByTheirChannel() {
        #expect(ExecMessage([1, 65]) == .standardOutput([65]))
        #expect(ExecMessage([2, 65]) == .standardError([65]))
        #expect(ExecMessage([9]) == .other)
        #expect(ExecMessage([]) == .other)
        #expect(ExecMessage.standardInput([7]) == [0, 7])
        #expect(ExecMessage.endOfInput == [255, 0])
        #expect(ExecMessage.resize(columns: 80, rows: 24).first == 4)
    }

    /// Three layers, each as large as a manifest can say.
    @Test func sizesThatAManifestClaimsAreAddedUp() throws {
        let digest = try Digest("sha256:" + String(repeating: "a", count: 64))
        let layer = ImageDescriptor(mediaType: "", digest: digest, size: UInt64(Int64.max))
        let line = PullEvent.resolved(manifest: digest, layers: [layer, layer, layer]).line.value
        #expect(line["size"]?.integer == .max)
        var table = ProgressTable()
        for name in ["a", "b"] {
            let present: JSONValue = ["event": "present", "layer": .string(name), "size": .integer(.max)]
            #expect(!table.take(line) && !table.take(present))
        }
        #expect(table.summary.hasPrefix("2 of 3 layers"))
    }

    @Test func whyAPullWaitsIsShown() {
        var table = ProgressTable()
        let line = PullEvent.waiting(cause: "429").line.value
        #expect(!table.take(line) && table.summary == "asking the registry; waiting: 429")
        #expect(ProgressTable.text(of: line)?.hasSuffix(": 429") == true)
    }

    @Test func theExitCodeComesFromTheStatus() {
        let failure = """
            {"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}
            """
        #expect(ExecMessage([3] + Array(failure.utf8)) == .ended(exitCode: 7))
        #expect(ExecMessage([3] + Array(#"{"status":"Success"}"#.utf8)) == .ended(exitCode: 0))
        #expect(ExecMessage([3] + Array(#"{"status":"Failure","message":"gone"}"#.utf8)) == .failed("gone"))
        #expect(ExecMessage([3] + Array("gone".utf8)) == .failed("gone"))
        let absent = """
            {"status":"Failure","reason":"InternalError","message":"Internal error occurred: x","details":{"causes":[
            {"reason":"ExitCode","message":"127"},{"reason":"StartFailure","message":"not found"}]}}
            """
        #expect(ExecMessage([3] + Array(absent.utf8)) == .notStarted("not found", exitCode: 127))
    }

    private let listed: [JSONValue] = [
        [
            "id": "aa11", "pod": "(run)/web", "metadata": ["name": "web"], "state": "running",
            "createdAt": 90_000_000_000,
            "image": "web:1", "imageRef": "sha256:0123456789abcdef", "labels": ["colour": "blue"], "pid": 7,
        ],
        [
            "id": "bb22", "pod": "default/shop", "metadata": ["name": "main"], "state": "exited", "exitCode": 3,
            "image": "shop:1", "labels": [:],
        ],
    ]

    @Test(arguments: [
        ([], "aa11 bb22"), (["name=web"], "aa11"), (["name=shop/main"], "bb22"), (["name=^/web$"], "aa11"),
        (["name=^eb"], ""), (["name=web", "name=shop"], "aa11 bb22"), (["name=web", "status=exited"], ""),
        (["status=exited"], "bb22"), (["exited=3"], "bb22"), (["exited=0"], ""), (["id=aa"], "aa11"),
        (["label=colour"], "aa11"), (["label=colour=blue"], "aa11"), (["label=colour", "label=size"], ""),
        (["ancestor=web:1"], "aa11"), (["ancestor=0123456789ab"], "aa11"), (["ancestor=0123"], ""),
    ])
    func aListIsFiltered(_ words: [String], _ ids: String) throws {
        let filter = try ListFilter.containers(words)
        let found = listed.filter { filter.holds(container: $0) }.compactMap { $0["id"]?.string }
        #expect(found.joined(separator: " ") == ids)
    }

    @Test func filtersThatAreNoneAreRefused() throws {
        for word in ["name", "name=", "=x", "nonsense=1", "status=flying", "exited=x"] {
            #expect(throws: DaemonError.self) { try ListFilter.containers([word]) }
        }
        #expect(try ListFilter.containers(["exited=0"]).asksForState && !ListFilter.containers(["id=a"]).asksForState)
    }

    @Test func eventsAreFiltered() throws {
        let event: JSONValue = [
            "kind": "container", "action": "stopped", "id": "aa11", "name": "(run)/web/web", "image": "web:1",
        ]
        for words in [["event=die"], ["container=web", "type=container"], ["container=aa"], ["image=web:1"]] {
            #expect(try ListFilter.events(words).holds(event: event), "\(words)")
        }
        let ofPod: JSONValue = ["kind": "container", "action": "deleted", "id": "bb22", "name": "default/web/main"]
        for name in ["web", "main", "web/main", "default/web", "default"] {
            #expect(try ListFilter.events(["container=\(name)"]).holds(event: ofPod), "\(name)")
        }
        for words in [["event=start"], ["container=eb"], ["type=image"], ["image=web:2"]] {
            #expect(try !ListFilter.events(words).holds(event: event), "\(words)")
        }
    }

    @Test func onlyEventsThatThereAreAreAskedFor() throws {
        for action in ["create", "die", "stopped", "tagged"] { _ = try ListFilter.events(["event=\(action)"]) }
        let error = #expect(throws: DaemonError.self) { try ListFilter.events(["event=nope"]) }
        #expect(error?.description.contains("event=nope: there are created, started") == true)
    }

    @Test func aListIsPrintedAsATemplateSays() throws {
        let now = Timestamp(seconds: 100)
        func text(_ template: String, whole: Bool = false) throws -> String {
            try ListTemplate(template).text(listed, now: now, isWhole: whole)
        }
        #expect(try text("{{.Names}}") == "web\ndefault/shop/main\n")
        #expect(try text("{{ .ID }}\\t{{.Status}}!") == "aa11\trunning!\nbb22\texited (3)!\n")
        #expect(try text(#"{{.Label "colour"}},{{.RunningFor}},{{.PID}}"#) == "blue,10s,7\n,,\n")
        #expect(
            try text(#"table {{.ID}}\t{{.Names}}\t{{.Label "colour"}}"#)
                == "CONTAINER ID   NAMES               colour\naa11           web                 blue\nbb22           default/shop/main\n"
        )
        #expect(
            try text(#"table {{.ID}}\n{{.State}}\t{{.PID}}"#)
                == "CONTAINER ID\nSTATE          PID\naa11\nrunning        7\nbb22\nexited\n"
        )
        #expect(try text("{{.Labels}}{{.CreatedAt}}").hasPrefix("colour=blue1970-01-01T00:01:30Z\n"))
        for template in ["json", "{{json .}}"] {
            let lines = try text(template).split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
            #expect(lines == listed)
        }
        for bad in [
            "", "Names", "table ", "table Names", "{{.Names", "{{.Nonsense}}", "{{Names}}", "{{.Label}}", "{{range .}}",
            "{{}}", "table{{.Names}}", "TABLE {{.Names}}", "tables {{.Names}}", #"table\t{{.Names}}"#,
        ] {
            #expect(throws: DaemonError.self, "\(bad)") { try ListTemplate(bad) }
        }
    }

    @Test func whatIsTypedIsPassedOnButForTheKeysThatLeave() {
        var keys = DetachKeys()
        #expect(keys.passed([65, 0x11, 66]) == [65, 0x11, 66] && !keys.areComplete)
        #expect(keys.passed([0x10]) == [] && keys.passed([67]) == [0x10, 67])
        #expect(keys.passed([0x10, 0x10]) == [0x10] && !keys.areComplete)
        #expect(keys.passed([0x11, 68]) == [] && keys.areComplete)
        var together = DetachKeys()
        #expect(together.passed([65, 0x10, 0x11]) == [65] && together.areComplete)
    }

    @Test func linesOfALogAsDockerTakesThem() {
        func ordered(_ text: String) -> String {
            ArgumentOrder.normal(text.split(separator: " ").map(String.init), groups: []).joined(separator: " ")
        }
        #expect(ordered("logs -n 5 web") == "logs --tail 5 web" && ordered("logs -n5 web") == "logs --tail 5 web")
        #expect(ordered("logs -n shop web") == "logs -n shop web" && ordered("logs web -n") == "logs web -n")
        #expect(ordered("logs -n 5 -- -n 5") == "logs --tail 5 -- -n 5" && ordered("logs -n -- 5") == "logs -n -- 5")
        #expect(ordered("logs -nshop web") == "logs -nshop web" && ordered("why -n 5 web") == "why -n 5 web")
    }

    @Test func logsBeginAtATimeOrSoLongAgo() throws {
        let words = [
            ("90s", "90"), ("10m", "600"), ("1h30m", "5400"), ("2d", "172800"), ("36500d", "3153600000"),
        ]
        for (text, seconds) in words { #expect(try LogStart.query(text) == QueryItem("sinceSeconds", seconds)) }
        let time = "2026-01-31T12:00:00+01:00"
        #expect(try LogStart.query(time) == QueryItem("sinceTime", time))
        for bad in [
            "", "10", "m", "-5m", "+5m", "1.5h", "10x", "0s", "36501d", "99999999999999999999s", "1h30", "2026-01-31",
        ] {
            #expect(throws: DaemonError.self) { try LogStart.query(bad) }
        }
    }

    private let pod: JSONValue = [
        "metadata": ["name": "web", "namespace": "default"],
        "spec": ["containers": [["name": "web"], ["name": "side"]], "initContainers": [["name": "init"]]],
    ]

    @Test func aContainerIsChosen() throws {
        let name = try PodName("web")
        let first = try NodeView.choose(nil, in: pod, name)
        #expect(first.name == "web")
        #expect(first.note != nil)
        #expect(try NodeView.choose("init", in: pod, name).note == nil)
        let error = #expect(throws: DaemonError.self) { try NodeView.choose("other", in: pod, name) }
        #expect(error?.description.contains("web, side, init") ?? false)
        #expect(throws: DaemonError.self) { try NodeView.choose(nil, in: [:], name) }
    }

    @Test func optionsMayStandBeforeASubcommand() {
        func normal(_ text: String) -> String {
            ArgumentOrder.normal(text.split(separator: " ").map(String.init), groups: ["images"])
                .joined(separator: " ")
        }
        #expect(normal("images --run-dir /r add a /b --user 0") == "images add --run-dir /r a /b --user 0")
        #expect(normal("images --run-dir=/r list") == "images list --run-dir=/r")
        #expect(normal("images --run-dir /r") == "images --run-dir /r")
        #expect(normal("images --run-dir /r -o json list") == "images list --run-dir /r -o json")
        #expect(normal("images --run-dir /r -o json") == "images --run-dir /r -o json")
        #expect(normal("images --help") == "images --help")
        #expect(normal("ps --run-dir /r add") == "ps --run-dir /r add")
        #expect(normal("") == "")
    }

    @Test func aCommandOfExecNeedsNoTerminator() {
        func normal(_ text: String) -> String {
            ArgumentOrder.normal(text.split(separator: " ").map(String.init), groups: []).joined(separator: " ")
        }
        #expect(normal("exec -it web sh -c x") == "exec -it web -- sh -c x")
        #expect(normal("exec -n shop -c main web ls -l") == "exec -n shop -c main web -- ls -l")
        #expect(normal("exec web -i --container=c cat -- x") == "exec web -i --container=c -- cat -- x")
        #expect(normal("exec web -i -- cat") == "exec web -i -- cat")
        #expect(normal("exec -w /tmp -ite A=b -u 0 web ls -w 5") == "exec -w /tmp -ite A=b -u 0 web -- ls -w 5")
        #expect(normal("exec -itu0 -eA=b -w=/ web ls -u0") == "exec -it -u 0 -e A=b -w / web -- ls -u0")
        #expect(normal("exec web") == "exec web")
        #expect(normal("exec web -c") == "exec web -c")
    }

    @Test func optionsOfRunAreTakenAsDockerTakesThem() {
        func normal(_ text: String) -> String {
            ArgumentOrder.normal(text.split(separator: " ").map(String.init), groups: []).joined(separator: " ")
        }
        let long = "run --interactive --tty -p 8080:80 -e A=b -u 0 web -p1 --rm=true"
        #expect(normal("run -itp8080:80 -eA=b -u=0 web -p1 --rm=true") == long)
        #expect(normal("run --rm=true --init=false --tty=x --name=a web") == "run --rm --tty=x --name=a web")
        #expect(normal("run --rm --rm=f -i=0 -dt=T web") == "run --detach --tty web")
        #expect(normal("run --sig-proxy --tls-verify=0 web") == "run --tls-verify=false web")
        #expect(normal("run --pids-limit -1 --name --rm web -d1") == "run --pids-limit -1 --name --rm web -d1")
        #expect(normal("run -d -- web -it") == "run --detach -- web -it")
        #expect(normal("run -h") == "run -h" && normal("run") == "run" && normal("run --help") == "run --help")
    }

    @Test func anUnknownCommandGetsTheRightOne() {
        func refusal(_ word: String) -> String? { CommandNames.refusal(of: word, known: ["images", "inspect", "run"]) }
        #expect(refusal("run") == nil && refusal("--help") == nil && refusal("") == nil)
        #expect(
            refusal("rmi")
                == "there is no command \"rmi\"; here it is `swiftlet images rm`; `swiftlet --help` lists all")
        #expect(refusal("inspct")?.contains("did you mean inspect?") == true)
        #expect(
            CommandNames.refusal(of: "save", in: "images", known: ["export"])
                == "there is no command \"images save\"; here it is `swiftlet images export NAME --output ARCHIVE`; "
                + "`swiftlet images --help` lists all")
        #expect(CommandNames.refusal(of: "history", in: "images", known: [])?.contains("skopeo") == true)
        #expect(CommandNames.refusal(of: "save", in: "token", known: [])?.contains("export") == false)
        #expect(CommandNames.refusal(of: "crictl", known: ["cri"])?.contains("did you mean") == false)
        #expect(refusal("frobnicate") == "there is no command \"frobnicate\"; `swiftlet --help` lists all")
    }

    @Test func psShowsWhatRuns() {
        let all: [JSONValue] = ["running", "exited", "created"].map { ["id": .string($0), "state": .string($0)] }
        #expect(NodeTables.ids(NodeView.listed(all, all: false)) == "running\n")
        #expect(NodeView.listed(all, all: true).count == 3)
        #expect(NodeTables.ids([["id": "0123456789abcdef"]]) == "0123456789ab\n")
    }

    @Test func logsAndExecKnowWhatRunHasMade() {
        func sandbox(_ id: String, _ namespace: String, _ name: String) -> JSONValue {
            ["id": .string(id), "metadata": ["name": .string(name), "namespace": .string(namespace)]]
        }
        let sandboxes = [
            sandbox("s1", "default", "web"), sandbox("s2", RunSpec.namespace, "web"),
            sandbox("s3", RunSpec.namespace, "job"),
        ]
        let containers: [JSONValue] = [("c1", "s1", "main"), ("c2", "s2", "web"), ("d3", "s3", "job")].map {
            ["id": .string($0.0), "podSandboxId": .string($0.1), "metadata": ["name": .string($0.2)]]
        }
        func run(_ text: String) -> String? { NodeView.run(text, sandboxes, containers) }
        #expect(run("job") == "job")
        #expect(run("d") == "job")
        #expect(run("c") == "web", "a pod's container is none of them")
        #expect(run("web") == nil, "a pod of this name goes first")
        #expect(run("(run)/web") == "web")
        #expect(run("(run)/none") == nil && run("none") == nil && run("") == nil && run("default/web") == nil)
    }

    @Test func idsAreFoundByTheirBeginning() {
        let all: [JSONValue] = [["id": "abc1"], ["id": "abd2"]]
        #expect(NodeView.matching("abc", all).count == 1)
        #expect(NodeView.matching("ab", all).count == 2)
    }

    @Test func aPodIsInspectedByItsNameAndAContainerByItsId() throws {
        let sandbox: JSONValue = ["id": "s1", "metadata": ["name": "web", "namespace": "default"]]
        let run: JSONValue = ["id": "s2", "metadata": ["name": "once", "namespace": .string(RunSpec.namespace)]]
        let containers: [JSONValue] = [["id": "c0ffee", "podSandboxId": "s1"], ["id": "c0de", "podSandboxId": "s2"]]
        func inspected(_ text: String, _ namespace: String? = nil) throws(DaemonError) -> JSONValue {
            try NodeView.inspected(
                text, namespace: namespace, pods: [pod], sandboxes: [sandbox, run], containers: containers)
        }
        for text in ["web", "default/web", "pod/web"] {
            let found = try inspected(text)
            #expect(found["pod"] == pod)
            #expect(found["containers"]?.array?.map { $0["id"]?.string } == ["c0ffee"])
        }
        #expect(try inspected("c0d")["id"]?.string == "c0de")
        #expect(try inspected("once")["containers"]?.array?.map { $0["id"]?.string } == ["c0de"])
        #expect(throws: DaemonError.self) { try inspected("web", "shop") }
        let many = #expect(throws: DaemonError.self) { try inspected("c0") }
        #expect(many?.description.contains("2 containers") == true)
        let none = #expect(throws: DaemonError.self) { try inspected("deploy/web") }
        #expect(none?.description.contains("knows pods only, and deploy is another") == true)
    }

    @Test func anotherKindIsRecognised() throws {
        for text in ["deploy/web", "deployment.apps/web", "rs/web", "svc/web", "sts/web", "node/web"] {
            #expect(try PodName(text).hint.contains("knows pods only"), "\(text)")
        }
        for text in ["web", "default/web", "pod/shop/web"] { #expect(try PodName(text).hint.isEmpty, "\(text)") }
    }

    @Test func uninstallSaysWhatIsLeft() {
        var report = Uninstall.Report()
        #expect(report.closing == "nothing was there")
        report.removed = ["link sw-1"]
        #expect(report.closing == "nothing is left")
        report.kept = ["/var/lib/swiftlet/notes"]
        #expect(report.closing == "nothing of Swiftlet's is left; what was kept is named above")
        report.keepsData = true
        #expect(report.closing.contains("as asked"))
    }

    @Test func logsOfOthersStay() {
        let names = ["default_web_1", "default_old_2", "other_pod_3"]
        #expect(
            OwnFiles.ownLogs(among: names, timelines: ["default_old_2"], uids: ["1"]) == [
                "default_web_1", "default_old_2",
            ])
    }

    @Test func cgroupModes() {
        let hybrid = """
            30 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
            32 24 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
            """
        #expect(HostCheck.legacyControllers(in: hybrid) == ["cpu", "cpuacct"])
        #expect(HostCheck.mode(unified: "/sys/fs/cgroup", legacy: []).state == .ok)
        #expect(HostCheck.legacyFirewall(drops: true)?.state == .warning)
        #expect(HostCheck.legacyFirewall(drops: false) == nil && HostCheck.legacyFirewall(drops: nil) == nil)
        #expect(HostCheck.mode(unified: "/sys/fs/cgroup", legacy: ["cpu"]).state == .warning)
        #expect(HostCheck.mode(unified: nil, legacy: []).state == .missing)
    }

    @Test func aNodeWithoutAnAddressForOthersIsToldHowToSetIt() {
        let guessed = HostCheck.nodeAddress(nil, in: "/c/config.yaml")
        #expect(guessed.state == .warning && guessed.consequence.hasSuffix("set node-address in /c/config.yaml"))
        var configuration = DaemonConfiguration()
        configuration.nodeAddress = "192.0.2.2"
        let lines = HostCheck.run(configuration).lines
        #expect(lines.contains { $0.state == .ok && $0.name == "node address: 192.0.2.2" })
    }
}
