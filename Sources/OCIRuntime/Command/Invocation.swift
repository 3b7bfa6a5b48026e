import CLaunch
import Glibc
import Launch

/// What holds for the whole call: the options before the verb.
package struct Invocation: Sendable {
    var root: String
    var log: RuntimeLog
    var isSystemdCgroup = false
    var usesCgroups = true

    static let grammar = Arguments.Grammar(
        values: [
            ["root", "r"], ["log"], ["log-format"], ["log-level"], ["rootless"], ["criu"], ["cgroup-manager"],
        ],
        flags: [["debug"], ["systemd-cgroup", "s"], ["help", "h"], ["version", "v"]], stopsAtWord: true)

    init(_ options: Arguments) throws(OCIRuntimeError) {
        root = if let root = options["root"] { root } else { try Invocation.defaultRoot() }
        guard root.hasPrefix("/") else { throw .usage("--root \(root): it must be an absolute path") }
        var log = RuntimeLog(path: options["log"], isJSON: options["log-format"] == "json")
        // crun's form: file:PATH, or a sink that is not ours.
        if let path = log.path, path.hasPrefix("file:") { log.path = String(path.dropFirst(5)) }
        if let path = log.path, path.hasPrefix("journald:") || path.hasPrefix("syslog:") { log.path = nil }
        if let format = options["log-format"], format != "json" && format != "text" {
            throw .usage("--log-format \(format): there are text and json")
        }
        self.log = log
        isSystemdCgroup = options.has("systemd-cgroup") || options["cgroup-manager"] == "systemd"
        usesCgroups = options["cgroup-manager"] != "disabled"
    }

    /// What lies there is believed, hooks among it: where everybody makes directories, it is to be the user's own.
    private static func defaultRoot() throws(OCIRuntimeError) -> String {
        if geteuid() == 0 { return CRT_DEFAULT_ROOT }
        if let runtime = getenv("XDG_RUNTIME_DIR") { return String(cString: runtime) + "/swiftlet-oci" }
        let own = "/tmp/run-\(geteuid())"
        var status = stat()
        guard mkdir(own, 0o700) == 0 || errno == EEXIST else { throw .kernel(KernelError("mkdir", own)) }
        guard lstat(own, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
            status.st_mode & 0o022 == 0
        else {
            throw .usage("\(own) is not this user's alone: set XDG_RUNTIME_DIR, or give --root a directory that is")
        }
        return own + "/swiftlet-oci"
    }

    func directory(_ id: String) throws(OCIRuntimeError) -> ContainerDirectory {
        try ContainerDirectory(root: root, id: id)
    }
}

/// The program: reads the call, does it, and gives the exit code.
package enum OCICommand {
    /// As the program was entered.
    package static func arguments() -> [String] {
        var words: [String] = []
        guard var next = crt_arguments() else { return words }
        while let word = next.pointee {
            words.append(String(cString: word))
            next += 1
        }
        return words
    }

    package static func run(_ arguments: [String]) -> Int32 {
        crt_keep_memory()
        var log = RuntimeLog()
        var code: Int32 = 1
        do throws(OCIRuntimeError) {
            let options = try read(arguments.dropFirst(), Invocation.grammar, page: "swiftlet-oci --help")
            if options.has("version") { return say(Usage.version) }
            guard let name = options.words.first, !options.has("help") else { return say(Usage.text) }
            if name == "help" { return say(try help(options.words.dropFirst().first)) }
            let invocation = try Invocation(options)
            try invocation.log.check()
            log = invocation.log
            let verb = try verb(name)
            code = verb.failureCode
            let own = try read(
                options.words.dropFirst(), verb.grammar, page: "swiftlet-oci \(verb.rawValue) --help")
            if own.has("help") { return say(Usage.text(of: verb)) }
            if verb.startsProcesses { try seal() }
            let ended = try verb.run(own, invocation)
            if ended == 0 { try Invocation.flush() }
            return ended
        } catch {
            log.failure(error.description)
            return error.exitCode ?? code
        }
    }

    /// - Parameter page: the call that lists what there is.
    private static func read(
        _ words: ArraySlice<String>, _ grammar: Arguments.Grammar, page: String
    ) throws(OCIRuntimeError) -> Arguments {
        do throws(OCIRuntimeError) {
            return try Arguments(words, grammar)
        } catch {
            throw .usage("\(error.description); `\(page)` lists what there is")
        }
    }

    private static func verb(_ name: String) throws(OCIRuntimeError) -> Verb {
        if let verb = Verb(word: name) { return verb }
        throw .usage("unknown command \"\(name)\"; `swiftlet-oci --help` lists what there is")
    }

    /// - Parameter name: a verb's; nil: the general page.
    private static func help(_ name: String?) throws(OCIRuntimeError) -> String {
        guard let name else { return Usage.text }
        return Usage.text(of: try verb(name))
    }

    private static func say(_ text: String) -> Int32 {
        print(text)
        return 0
    }

    /// A container's process is a child of ours until its program is executed: its /proc/self/exe must not lead to a file
    /// that it could write to (CVE-2019-5736).
    private static func seal() throws(OCIRuntimeError) {
        let code = crt_seal()
        guard code == 0 else { throw .kernel(KernelError("protect", "/proc/self/exe", -code)) }
        if geteuid() == 0 { crt_hide() }
    }
}
