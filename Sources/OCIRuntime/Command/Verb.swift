/// What the program can be told to do.
enum Verb: String, CaseIterable {
    case create, start, run, exec, state, kill, delete, list, ps, pause, resume, update, events, features, spec
    case checkpoint, restore

    /// By its word. The search that the compiler makes of many words builds a table first, which is used once here: 40 us.
    init?(word: String) {
        guard let verb = Verb.allCases.first(where: { $0.rawValue == word }) else { return nil }
        self = verb
    }

    /// Whether it clones into a container.
    var startsProcesses: Bool { self == .create || self == .run || self == .exec }

    /// The exit code of a call that failed. That of `exec` is told from those of programs, as far as one number can be.
    var failureCode: Int32 { self == .exec ? 255 : 1 }

    var grammar: Arguments.Grammar {
        var grammar = options
        grammar.flags.append(["help", "h"])
        return grammar
    }

    private var options: Arguments.Grammar {
        switch self {
        case .create: CreateOptions.grammar
        case .run: CreateOptions.runGrammar
        case .exec: ExecOptions.grammar
        case .kill: Arguments.Grammar(flags: [["all", "a"]])
        case .delete: Arguments.Grammar(flags: [["force", "f"]])
        case .list: Arguments.Grammar(values: [["format", "f"]], flags: [["quiet", "q"]])
        case .ps: Arguments.Grammar(values: [["format", "f"]], stopsAtWord: true)
        case .update: UpdateOptions.grammar
        case .events: Arguments.Grammar(values: [["interval"]], flags: [["stats"]])
        case .spec: Arguments.Grammar(values: [["bundle", "b"]], flags: [["rootless"]])
        default: Arguments.Grammar()
        }
    }

    func run(_ arguments: Arguments, _ invocation: Invocation) throws(OCIRuntimeError) -> Int32 {
        switch self {
        case .create: try Creation(arguments, invocation).create()
        case .run: try Creation(arguments, invocation).run()
        case .start: try invocation.start(arguments)
        case .exec: try ExecSession(arguments, invocation).run()
        case .state: try invocation.printState(arguments)
        case .kill: try invocation.kill(arguments)
        case .delete: try invocation.delete(arguments)
        case .list: try invocation.list(arguments)
        case .ps: try invocation.processes(arguments)
        case .pause: try invocation.setFrozen(arguments, true)
        case .resume: try invocation.setFrozen(arguments, false)
        case .update: try invocation.update(arguments)
        case .events: try invocation.events(arguments)
        case .features: invocation.printFeatures()
        case .spec: try invocation.writeSpecification(arguments)
        case .checkpoint, .restore:
            throw .usage("\(rawValue) is not supported: processes cannot be saved and brought back here")
        }
    }
}
