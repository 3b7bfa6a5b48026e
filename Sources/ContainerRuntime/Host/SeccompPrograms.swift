import CRI
import JSONTree
import Linux
import OCI
import Synchronization

/// Seccomp filters from the default profile and from files on the node, compiled once each.
package final class SeccompPrograms: SeccompProfiles {
    private let compiler: SeccompCompiler
    /// The default profile's programs by capabilities: every exec asks, and building a profile to look it up costs more than all else. Beyond 64
    /// they are taken from the compiler's own cache.
    private let defaults = Mutex<[UInt64: SeccompProgram]>([:])

    package init(compiler: SeccompCompiler) {
        self.compiler = compiler
    }

    package func program(
        for profile: ContainerSecurity.Seccomp, capabilities: UInt64
    ) throws(CRIError) -> SeccompProgram? {
        switch profile {
        case .unconfined: return nil
        case .runtimeDefault: return try defaultProgram(capabilities)
        case .localhost(let path): return try compile(try Self.read(path))
        }
    }

    private func defaultProgram(_ capabilities: UInt64) throws(CRIError) -> SeccompProgram {
        if let known = defaults.withLock({ $0[capabilities] }) { return known }
        let program = try compile(.containerDefault(capabilities: capabilities))
        defaults.withLock { if $0.count < 64 { $0[capabilities] = program } }
        return program
    }

    private func compile(_ profile: SeccompProfile) throws(CRIError) -> SeccompProgram {
        try attempt("seccomp profile") { () throws(KernelError) in try compiler.program(for: profile) }
    }

    private static func read(_ path: String) throws(CRIError) -> SeccompProfile {
        guard path.hasPrefix("/") else {
            throw .invalid(
                "seccomp profile \"\(path)\": profiles from files are not read from pods yet; use RuntimeDefault")
        }
        do {
            let value = try JSONValue(parsing: try WholeFile.read(path, limit: 4 << 20))
            return try SeccompProfile(SpecificationReader(value, file: path))
        } catch {
            throw .invalid("seccomp profile \(path): \(error)")
        }
    }
}

extension SeccompProfile {
    /// A profile in the form of the runtime specification. Conditional rules (`includes`, `excludes`) are refused: to pass over a condition would
    /// allow what the file forbids.
    init(_ reader: SpecificationReader) throws(OCIError) {
        self.init(defaultAction: try Self.action(reader, "defaultAction", code: "defaultErrnoRet"), rules: [])
        architectures = (try reader.strings("architectures") ?? []).compactMap(Self.architecture)
        for rule in try reader.objects("syscalls") {
            guard try rule.object("includes") == nil, try rule.object("excludes") == nil else {
                throw rule.failure("includes", "conditional rules are not supported; write the rules out")
            }
            let conditions = try rule.objects("args").map { argument throws(OCIError) in try Self.condition(argument) }
            rules.append(
                Rule(
                    try rule.strings("names") ?? [], try Self.action(rule, "action", code: "errnoRet"),
                    when: conditions))
        }
    }

    private static func action(
        _ reader: SpecificationReader, _ field: String, code: String
    ) throws(OCIError) -> Action {
        let number = UInt16(clamping: try reader.integer(code) ?? 1)
        switch try reader.required(field) {
        case "SCMP_ACT_ALLOW": return .allow
        case "SCMP_ACT_ERRNO": return .fail(number)
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return .killThread
        case "SCMP_ACT_KILL_PROCESS": return .killProcess
        case "SCMP_ACT_TRAP": return .trap
        case "SCMP_ACT_LOG": return .log
        case "SCMP_ACT_TRACE": return .trace(number)
        case let other: throw reader.failure(field, "action \(other) is not supported")
        }
    }

    private static func condition(_ reader: SpecificationReader) throws(OCIError) -> Condition {
        let comparisons: [String: Comparison] = [
            "SCMP_CMP_NE": .notEqual, "SCMP_CMP_LT": .less, "SCMP_CMP_LE": .lessOrEqual, "SCMP_CMP_EQ": .equal,
            "SCMP_CMP_GE": .greaterOrEqual, "SCMP_CMP_GT": .greater, "SCMP_CMP_MASKED_EQ": .maskedEqual,
        ]
        let name = try reader.required("op")
        guard let comparison = comparisons[name] else { throw reader.failure("op", "\(name) is not known") }
        guard let index = UInt32(exactly: try reader.integer("index") ?? 0), index < 6 else {
            throw reader.failure("index", "it must be from 0 to 5")
        }
        return Condition(
            index, comparison, UInt64(truncatingIfNeeded: try reader.integer("value") ?? 0),
            UInt64(truncatingIfNeeded: try reader.integer("valueTwo") ?? 0))
    }

    /// By libseccomp's name; the machine's own needs none.
    private static func architecture(_ name: String) -> String? {
        let known = ["SCMP_ARCH_X86": "x86", "SCMP_ARCH_X32": "x32", "SCMP_ARCH_ARM": "arm"]
        return known[name]
    }
}
