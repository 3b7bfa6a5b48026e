import Glibc
import TestSupport
import Testing

@testable import Daemon

@Suite struct DaemonConfigurationTests {
    private func read(_ text: String) throws -> DaemonConfiguration {
        var configuration = DaemonConfiguration()
        try configuration.apply(file: text, named: "/etc/swiftlet/config.yaml")
        return configuration
    }

    @Test func aFileSetsWhatFlagsSet() throws {
        let configuration = try read(
            "port: 7443\nnode-name: 12\nstop-pods-on-exit: true\ndata-dir: /srv/data\nenable-selinux: true\n")
        #expect(configuration.labelsEveryPod)
        #expect(configuration.port == 7443)
        #expect(configuration.nodeName == "12")
        #expect(configuration.stopsPodsOnExit)
        #expect(configuration.dataDirectory == "/srv/data")
    }

    @Test func whatHasPartsMayBeAList() throws {
        let configuration = try read("tls-san: [a.example, 192.0.2.1]\nkube-reserved:\n- cpu=100m\n- memory=1Mi\n")
        #expect(configuration.serverNames == "a.example,192.0.2.1")
        #expect(configuration.kubeReserved == "cpu=100m,memory=1Mi")
        let registries = "a.example=https://one.example,https://two.example b.example=https://one.example"
        #expect(
            try read("registries: [\(registries.split(separator: " ").map { "\"\($0)\"" }.joined(separator: ", "))]")
                .registries == registries)
    }

    @Test func anEmptyFileSetsNothing() throws {
        #expect(try read("# nothing\n") == DaemonConfiguration())
    }

    @Test func aDirectoryIsNoFile() throws {
        let directory = temporaryDirectory + "/swiftlet-config-\(getpid())"
        try #require(mkdir(directory, 0o755) == 0 && mkdir(directory + "/config.yaml", 0o755) == 0)
        defer { _ = rmdir(directory + "/config.yaml") == 0 && rmdir(directory) == 0 }
        let error = #expect(throws: DaemonError.self) {
            try DaemonConfiguration.load(flags: ["--config-dir=\(directory)"])
        }
        #expect(error?.description.contains("config.yaml: Is a directory") == true)
    }

    @Test func flagsWinOverTheFile() throws {
        var configuration = try read("port: 7443\nmax-pods: 10\n")
        try configuration.apply(flags: ["--port", "8443"])
        #expect(configuration.port == 8443)
        #expect(configuration.maximumPods == 10)
    }

    /// As the file and as a flag, and whatever soft levels there are.
    @Test(arguments: ["eviction-hard:", "eviction-hard: \"\""]) func noLevelIsNone(_ text: String) throws {
        #expect(try read(text).eviction().thresholds.isEmpty)
        var configuration = try read(
            "eviction-soft: nodefs.available<5%\neviction-soft-grace-period: nodefs.available=1m\n")
        try configuration.apply(flags: ["--eviction-hard", ""])
        #expect(try configuration.eviction().thresholds.count == 1)
    }

    @Test(arguments: [
        ("prot: 1", "prot"), ("port: many", "port"), ("port: 70000", "port"), ("port: [1]", "port"),
        ("stop-pods-on-exit: maybe", "stop-pods-on-exit"), ("data-dir: relative", "data-dir"),
        ("cdi-spec-dirs: /a,b", "cdi-spec-dirs"), ("log-level: loud", "log-level"),
        ("- port: 1", "settings are lines such as `port: 6443`; what it holds is a list"), ("port", "a single value"),
        ("port: [1, 2]", "port"), ("tls-san: [[a]]", "tls-san"),
        ("port: 1\nnode-name: a\nport: 2", "port is set twice (lines 1, 3)"),
        ("kube-reserved: {cpu: 1, cpu: 2}", "kube-reserved: "),
        ("port: 1\n---\nport: 2", "one document"), ("port: {", "YAML"),
    ])
    func mistakesNameFileAndKey(_ text: String, _ part: String) {
        let error = #expect(throws: DaemonError.self) { try read(text) }
        #expect(error?.description.contains("/etc/swiftlet/config.yaml") ?? false)
        #expect(error?.description.contains(part) ?? false, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        "prot: 1", "port: many", "port: {a: 1}", "allowed-unsafe-sysctls: [a b]", "registries: x", "kube-reserved: x",
    ])
    func aMistakeNamesItsKeyOnce(_ text: String) throws {
        let error = #expect(throws: DaemonError.self) { try read(text) }
        let key = try #require(text.split(separator: ":").first)
        let words = error?.description.replacing("`swiftlet server", with: "").split { !$0.isLetter && $0 != "-" } ?? []
        #expect(words.count { $0 == key } == 1, "\(error?.description ?? "")")
    }

    /// What only asks where an instance lies goes on, and tells the rest.
    @Test func mistakesInWhatIsNotNeededArePassedOver() throws {
        let text =
            "prot: 1\nrun-dir: /a\nport: many\nallowed-unsafe-sysctls: [a b]\nlog-level: info\nlog-level: debug\n"
        var configuration = DaemonConfiguration()
        let mistakes = try configuration.apply(
            file: text, named: "/c.yaml", needed: DaemonConfiguration.places)
        #expect(configuration.runDirectory == "/a" && configuration.port == DaemonConfiguration().port)
        #expect(configuration.unsafeSysctls.isEmpty)
        #expect(mistakes.count == 4 && mistakes.allSatisfy { $0.hasPrefix("/c.yaml: ") }, "\(mistakes)")
        for text in ["data-dir: a", "dta-dir: /a", "run-dir: /a\nrun-dir: /b", "- run-dir", "a: {"] {
            #expect(throws: DaemonError.self, "\(text)") {
                try configuration.apply(file: text, named: "/c.yaml", needed: DaemonConfiguration.places)
            }
        }
        #expect(try configuration.apply(file: "data-dir: a", named: "/c.yaml", needed: ["run-dir"]).count == 1)
        // Who removes what lies there passes over no name that may stand for a needed one.
        #expect(throws: DaemonError.self) {
            try configuration.apply(file: "state: /srv", named: "/c.yaml", needed: ["run-dir"], refusesUnknown: true)
        }
    }

    @Test(arguments: [
        ("pod-cidr", "nonsense"), ("pod-cidr", "10.42.0.1/24"), ("cluster-cidr", ""), ("service-cidr", "10.43.0.0"),
        ("node-name", "No_Name"), ("node-address", "here"), ("bind-address", "everywhere"),
        ("cluster-domain", "a..b"), ("cgroup-parent", "/system.slice/../x"), ("registry-certs", "/a,b"),
        ("tls-san", "good.example,b@d"), ("tls-san", "good.example, bad name"), ("server", "192.0.2.1"),
        ("cri-listen", "here"),
        ("container-runtime-endpoint", "tcp://192.0.2.1"),
    ])
    func whatASettingCannotBeIsSaidAtOnce(_ name: String, _ text: String) {
        var configuration = DaemonConfiguration()
        let error = #expect(throws: DaemonError.self) { try configuration.set(name, to: text) }
        #expect(error?.description.hasPrefix("\(name) must be ") == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\"\(text)\"") == true)
        #expect(configuration == DaemonConfiguration())
    }

    @Test(arguments: [
        ("node-name", ""), ("node-address", "192.0.2.1"), ("bind-address", "::"),
        ("cgroup-parent", "system.slice/pods"),
        ("tls-san", "192.0.2.1, *.Example.org,localhost,my_host.lan"), ("cluster-domain", "Cluster.Local."),
        ("server", "https://one.example"), ("cri-listen", "none"),
        ("container-runtime-endpoint", "/run/crio/crio.sock"), ("token", ""),
    ])
    func whatASettingCanBeIsTaken(_ name: String, _ text: String) throws {
        var configuration = DaemonConfiguration()
        try configuration.set(name, to: text)
    }

    @Test func whatFitsIsNotRefused() throws {
        var configuration = DaemonConfiguration()
        try configuration.apply(flags: ["--node-address=192.0.2.1", "--pod-cidr=10.42.0.0/16"])
        try configuration.check(.server)
        try configuration.checkAddress(among: ["127.0.0.1", "192.0.2.1"])
        configuration.serverURL = "https://one.example"
        configuration.podNetwork = "10.50.0.0/24"
        try configuration.check(.agent)
        configuration = DaemonConfiguration()
        try configuration.apply(flags: ["--node-address=192.0.2.1", "--shutdown-grace-period=5"])
        try configuration.check(.server)
        try configuration.checkAddress(among: [])
    }

    @Test func anAddressMustBeTheMachines() {
        var configuration = DaemonConfiguration()
        configuration.nodeAddress = "192.0.2.2"
        let error = #expect(throws: DaemonError.self) {
            try configuration.checkAddress(among: ["127.0.0.1", "192.0.2.1"])
        }
        #expect(error?.description.contains("which has 127.0.0.1, 192.0.2.1") == true)
    }

    @Test(arguments: [
        (["--kube-reserved=cpu=2"], "cpu (2)"),
        (["--kube-reserved=memory=512Mi", "--system-reserved=memory=512Mi"], "memory (1Gi)"),
        (["--kube-reserved=memory=600Mi", "--eviction-hard=memory.available<424Mi"], "memory (1Gi)"),
        (["--eviction-hard=nodefs.available<10Gi"], "ephemeral-storage (10Gi)"),
        (["--system-reserved=pid=1000"], "pid (1k)"),
    ])
    func somethingIsLeftForPods(_ flags: [String], _ part: String) throws {
        var configuration = DaemonConfiguration()
        try configuration.apply(flags: flags)
        func check(_ times: Int64) throws(DaemonError) {
            var facts = Machine.facts(configuration, version: "1")
            (facts.cpuMilli, facts.memoryBytes, facts.diskBytes) = (times * 2_000, times << 30, times * 10 << 30)
            try configuration.checkReserved(facts, processes: times * 1_000)
        }
        let error = #expect(throws: DaemonError.self) { try check(1) }
        #expect(error?.description.contains("nothing of this machine's \(part): lower them") == true, "\(error as Any)")
        try check(2)
    }

    @Test func aFirstStartKnowsTheDiskOfADirectoryToCome() {
        var configuration = DaemonConfiguration()
        configuration.dataDirectory = "/not-there-yet/data"
        #expect(Machine.facts(configuration, version: "1").diskBytes > 0)
    }

    @Test func whatIsOfSettingsIsTold() {
        let error = #expect(throws: DaemonError.self) { try DaemonConfiguration.load(flags: ["--port=many"]) }
        #expect(error?.isOfSettings == true)
    }

    @Test func aDomainHasOneSpelling() throws {
        var configuration = DaemonConfiguration()
        try configuration.set("cluster-domain", to: "Cluster.Local.")
        #expect(configuration.clusterDomain == "cluster.local")
    }

    @Test func aFlagThatNeedsAValueSaysSo() throws {
        var configuration = DaemonConfiguration()
        for flags in [["--port"], ["--registries", "--stop-pods-on-exit"], ["--node-name"]] {
            let error = #expect(throws: DaemonError.self) { try configuration.apply(flags: flags) }
            #expect(error?.description == "\(flags[0]) needs a value")
        }
        try configuration.apply(flags: ["--stop-pods-on-exit", "--port=1"])
        #expect(configuration.stopsPodsOnExit)
    }

    @Test func aTokenIsNotRepeated() {
        var configuration = DaemonConfiguration()
        let error = #expect(throws: DaemonError.self) { try configuration.set("token", to: "K10secret") }
        #expect(error?.description.contains("secret") == false)
    }

    @Test(arguments: [
        (["--image-gc-low-threshold=90"], "image-gc-low-threshold"), (["--cluster-cidr=10.42.0.0/31"], "cluster-cidr"),
        (["--eviction-soft=nodefs.available<5%"], "eviction settings"),
        (["--registry-ca=a.example=/nowhere/ca.pem"], "registry-ca"),
        (["--pod-cidr=10.50.0.0/24"], "pod-cidr 10.50.0.0/24 must lie within cluster-cidr 10.42.0.0/16"),
        (["--pod-cidr=10.0.0.0/8"], "pod-cidr"),
        (
            ["--shutdown-grace-period=5", "--shutdown-grace-period-critical-pods=6"],
            "shutdown-grace-period-critical-pods (6)"
        ),
        (["--cluster-cidr=10.50.0.0/16"], "pod-cidr 10.42.0.0/24 must lie within cluster-cidr 10.50.0.0/16: set both"),
        (["--pod-cidr=10.42.0.0/30"], "from 16 to 29"), (["--service-cidr=10.0.0.0/29"], "from 12 to 28"),
        (["--service-cidr=10.42.0.0/24"], "overlap"),
        (["--server=https://one.example"], "swiftlet agent"),
    ])
    func whatDoesNotFitIsFoundBeforeAStart(_ flags: [String], _ part: String) throws {
        var configuration = DaemonConfiguration()
        try configuration.apply(flags: flags)
        let error = #expect(throws: DaemonError.self) {
            try configuration.check(.server)
            try configuration.checkMachine(.server)
        }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }

    @Test func aWrongNameGetsTheNearest() {
        func message(_ flag: String) -> String {
            var configuration = DaemonConfiguration()
            let error = #expect(throws: DaemonError.self) { try configuration.apply(flags: [flag]) }
            return error?.description ?? ""
        }
        let end = "`swiftlet server --help` lists all"
        #expect(message("--prot=1") == "there is no setting \"prot\"; did you mean port? \(end)")
        #expect(message("--data_dir=/x").contains("did you mean data-dir?"))
        #expect(message("--address=1").contains("did you mean node-address, bind-address?"))
        #expect(message("--kubeconfig=x") == "there is no setting \"kubeconfig\"; \(end)")
        #expect(message("server").contains("--NAME=VALUE"))
    }

    @Test func wordsAreCompared() {
        func distance(_ left: String, _ right: String) -> Int {
            NearWords.distance(Array(left.utf8), Array(right.utf8))
        }
        #expect(distance("", "abc") == 3 && distance("abc", "") == 3 && distance("abc", "abc") == 0)
        #expect(distance("abc", "acb") == 1 && distance("abc", "abcd") == 1 && distance("abc", "xbc") == 1)
        #expect(NearWords.of("dir", among: ["a-dir", "b-dir", "c-dir", "d-dir"]).count == NearWords.limit)
    }

    @Test func helpTellsTheDefaults() {
        let help = DaemonConfiguration.settingsHelp
        #expect(help.contains("\n  --port\n      Port of the API server.\n      default: 6443\n"))
        // One that is worked out when it is not given has none.
        #expect(help.contains("\n  --node-name\n      Name of this node (default: the host name).\n  --node-address\n"))
        // A longer line would be broken in the middle of the list.
        #expect(DaemonConfiguration.settings.allSatisfy { $0.summary.count <= 74 })
    }

    @Test func everySettingHasItsOwnName() {
        let names = DaemonConfiguration.settings.map(\.name)
        #expect(Set(names).count == names.count)
    }
}
