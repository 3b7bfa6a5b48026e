import APIMachinery
import JSONTree
import Testing

@testable import Daemon

@Suite struct InspectTemplateTests {
    private static let container: JSONValue = [
        "id": "aa11", "pod": "(run)/web", "podSandboxId": "ss", "metadata": ["name": "web"], "state": "exited",
        "exitCode": 3, "reason": "OOMKilled", "labels": ["a.b/c": "blue"], "addresses": ["10.42.0.9"],
        "image": "busybox:1", "startedAt": 90_000_000_000, "command": ["sh", "-c", "a b"],
    ]
    private let web: JSONValue = [
        "pod": .null, "sandboxes": [["id": "ss"]], "containers": .array([Self.container]),
    ]

    private func text(_ template: String, of document: JSONValue? = nil) throws -> String {
        try InspectTemplate(template).text(of: document ?? web, now: Timestamp(seconds: 100))
    }

    @Test func pathsLeadIntoTheDocument() throws {
        #expect(try text("{{.containers.0.state}} {{.sandboxes.0.id}}") == "exited ss\n")
        #expect(try text("{{json .sandboxes}}\\t{{.pod}}") == #"[{"id":"ss"}]"# + "\tnull\n")
        #expect(try JSONValue(parsing: Array(text("json").utf8)) == web)
        #expect(try JSONValue(parsing: Array(text("{{json .}}").utf8)) == web)
    }

    @Test func theOnlyContainersAreItsOwn() throws {
        for document in [web, Self.container] {
            #expect(try text("{{.exitCode}}{{json .state}}", of: document) == #"3"exited""# + "\n")
            #expect(try text(#"{{index .labels "a.b/c"}} {{index .command 1}}"#, of: document) == "blue -c\n")
            #expect(
                try text("{{.Names}} {{.Status}} {{.Command}}", of: document) == #"web exited (3) "sh -c 'a b'""# + "\n"
            )
        }
        let two: JSONValue = ["containers": .array([Self.container, Self.container])]
        #expect(throws: DaemonError.self) { try text("{{.exitCode}}", of: two) }
        #expect(throws: DaemonError.self) { try text("{{.Names}}", of: two) }
        #expect(try text("{{.containers.1.exitCode}}", of: two) == "3\n")
    }

    @Test func dockersPathsLeadToWhatIsHere() throws {
        #expect(try text("{{.State.Status}} {{.State.Running}} {{.State.ExitCode}}") == "exited false 3\n")
        #expect(try text("{{.Id}} {{.Name}} {{.Config.Image}}") == "aa11 /web busybox:1\n")
        #expect(try text("{{.NetworkSettings.IPAddress}} {{.State.OOMKilled}}") == "10.42.0.9 true\n")
        #expect(try text("{{.State.StartedAt}}") == "1970-01-01T00:01:30Z\n")
        #expect(try text(#"{{index .Config.Labels "a.b/c"}}"#) == "blue\n")
    }

    @Test func dockersPathsToRestarts() throws {
        let count = "{{.RestartCount}}"
        let policy = "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}"
        let ofPod: JSONValue = ["podSandboxId": "ss", "metadata": ["name": "web", "attempt": 2]]
        #expect(try text(count, of: ofPod) == "2\n")
        #expect(throws: DaemonError.self) { try text(policy, of: ofPod) }
        let ofRun: JSONValue = [
            "podSandboxId": "ss", "metadata": ["attempt": 9], "restarts": 4, "restart": "on-failure:7",
        ]
        #expect(try text(count + " " + policy, of: ofRun) == "4 on-failure 7\n")
        #expect(throws: DaemonError.self) { try text(count, of: ["podSandboxId": "ss"]) }
        let always: JSONValue = ["podSandboxId": "ss", "restarts": 0, "restart": "unless-stopped"]
        #expect(try text(policy, of: always) == "unless-stopped 0\n")
    }

    @Test func dockersPathsIntoImages() throws {
        let image: JSONValue = [
            "id": "sha256:aa", "repoTags": ["docker.io/library/busybox:1"], "size": 7,
            "imageSpec": ["os": "linux", "config": ["Cmd": ["sh"]]],
        ]
        #expect(try text("{{.Id}} {{.Size}} {{.Os}}", of: image) == "sha256:aa 7 linux\n")
        #expect(
            try text("{{json .RepoTags}} {{index .Config.Cmd 0}}", of: image) == #"["docker.io/library/busybox:1"] sh"#
                + "\n")
        #expect(throws: DaemonError.self) { try text("{{.Architecture}}", of: image) }
    }

    @Test func whatIsNotThereIsSaid() throws {
        for template in ["{{.nonsense}}", "{{.State.Health}}", "{{.containers.1}}", "{{.containers.x}}", "{{.pod.x}}"] {
            let error = #expect(throws: DaemonError.self, "\(template)") { try text(template) }
            #expect(error?.description.contains("it has none") == true)
        }
        for bad in [
            "", "state", "{{.a", "{{}}", "{{.}}", "{{a}}", "{{range .a}}", "{{.a..b}}", "{{index .a b}}", "{{json}}",
            "{{(index .a 0).b}}",
        ] {
            #expect(throws: DaemonError.self, "\(bad)") { try InspectTemplate(bad) }
        }
    }
}

@Suite struct ContainerTextTests {
    private func command(_ words: [JSONValue], whole: Bool = false) -> String {
        ContainerText.command(["command": .array(words)], isWhole: whole)
    }

    @Test func commandsAreQuotedAndCut() {
        #expect(command(["sleep", "1000"]) == #""sleep 1000""#)
        #expect(command(["sh", "-c", "echo one; echo two"]) == #""sh -c 'echo one; ec…""#)
        #expect(command(["sh", "-c", "echo one; echo two"], whole: true) == #""sh -c 'echo one; echo two'""#)
        #expect(command(["12345678901234567890"]) == #""12345678901234567890""#)
        #expect(command(["ü\"\\\n\t\u{1b}[2J\u{9b}"]) == #""ü\"\\\n\t\x1b[2J\u009b""#)
        #expect(command([]) == "\"\"")
    }

    @Test func portsAreThoseOfOneThatRuns() {
        var container: JSONObject = [
            "state": "running",
            "ports": [
                ["transport": "TCP", "container": 80, "host": 8080, "address": ""],
                ["transport": "UDP", "container": 53, "host": 5353, "address": "127.0.0.1"],
                ["transport": "TCP", "container": 90, "host": 0, "address": ""],
            ],
        ]
        #expect(
            ContainerText.ports(.object(container)) == "0.0.0.0:8080->80/tcp, 127.0.0.1:5353->53/udp, 90/tcp")
        container["state"] = "exited"
        #expect(ContainerText.ports(.object(container)).isEmpty)
    }
}
