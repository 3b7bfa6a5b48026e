import CSeccomp
import Glibc
import Synchronization

/// Compiles profiles to programs, 5 to 15 ms each, and keeps the last 64: the one used longest ago goes first.
///
/// Call it on a thread that may block.
package final class SeccompCompiler: Sendable {
    private struct Cache {
        var programs: [SeccompProfile: SeccompProgram] = [:]
        var order: [SeccompProfile] = []
    }

    private let cache = Mutex(Cache())
    private let capacity: Int

    package init(capacity: Int = 64) { self.capacity = capacity }

    /// The program of a profile. EINVAL where a rule cannot be expressed.
    package func program(for profile: SeccompProfile) throws(KernelError) -> SeccompProgram {
        if let known = cached(profile) { return known }
        let program = try SeccompCompiler.compile(profile)
        cache.withLock { cache in
            if cache.programs.updateValue(program, forKey: profile) == nil { cache.order.append(profile) }
            if cache.order.count > capacity { cache.programs.removeValue(forKey: cache.order.removeFirst()) }
        }
        return program
    }

    /// A program already compiled, without blocking.
    package func cached(_ profile: SeccompProfile) -> SeccompProgram? {
        cache.withLock { cache in
            guard let program = cache.programs[profile] else { return nil }
            if cache.order.last != profile, let index = cache.order.firstIndex(of: profile) {
                cache.order.append(cache.order.remove(at: index))
            }
            return program
        }
    }

    /// Without the cache.
    package static func compile(_ profile: SeccompProfile) throws(KernelError) -> SeccompProgram {
        SeccompRanges.search(in: try list(profile))
    }

    /// As libseccomp makes it, which compares with each number that a rule names.
    package static func list(_ profile: SeccompProfile) throws(KernelError) -> SeccompProgram {
        let (action, value) = code(of: profile.defaultAction)
        guard let filter = csec_new(action, value) else { throw KernelError("seccomp_init", "filter", ENOMEM) }
        defer { csec_free(filter) }
        // One the machine cannot run needs no rules.
        for name in profile.architectures { _ = csec_add_architecture(filter, name) }
        for rule in profile.rules { try add(rule, to: filter) }
        let capacity = 4096 * 8
        var size: Int64 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, filled in
            size = csec_compile(filter, buffer.baseAddress, UInt64(capacity))
            filled = size > 0 && size <= Int64(capacity) ? Int(size) : 0
        }
        guard size > 0 else { throw KernelError("seccomp_export_bpf", "filter", Int32(-size)) }
        let prefix = profile.answersUnknownCallsWithENOSYS ? unknownCalls(beyond: profile) : []
        guard !bytes.isEmpty, prefix.count + bytes.count <= capacity else {
            throw KernelError("seccomp_export_bpf", "filter of more than 4096 instructions", E2BIG)
        }
        return SeccompProgram(instructions: prefix + bytes)
    }

    private static func add(_ rule: SeccompProfile.Rule, to filter: UnsafeMutableRawPointer) throws(KernelError) {
        let (action, value) = code(of: rule.action)
        let arguments = rule.conditions.map {
            csec_argument(
                index: $0.argument, operation: $0.comparison.rawValue, value: $0.value, second: $0.second)
        }
        for call in rule.calls {
            let outcome = csec_add_rule(filter, action, value, call, arguments, UInt32(arguments.count))
            guard outcome >= 0 else { throw KernelError("add a seccomp rule for", call, -outcome) }
        }
    }

    private static func code(of action: SeccompProfile.Action) -> (UInt32, UInt32) {
        switch action {
        case .allow: (UInt32(CSEC_ALLOW), 0)
        case .fail(let code): (UInt32(CSEC_ERRNO), UInt32(code))
        case .killProcess: (UInt32(CSEC_KILL_PROCESS), 0)
        case .killThread: (UInt32(CSEC_KILL_THREAD), 0)
        case .trap: (UInt32(CSEC_TRAP), 0)
        case .log: (UInt32(CSEC_LOG), 0)
        case .notify: (UInt32(CSEC_NOTIFY), 0)
        case .trace(let code): (UInt32(CSEC_TRACE), UInt32(code))
        }
    }

    /// Classic BPF before the filter: a call of the native architecture with a number beyond the newest one named
    /// answers ENOSYS. Those of x32, which are of the same architecture and have a mark in their numbers, are the filter's where the profile names them.
    private static func unknownCalls(beyond profile: SeccompProfile) -> [UInt8] {
        let architecture = csec_native_audit_architecture()
        let newest = profile.rules.flatMap { $0.calls }.map { csec_call_number($0) }.max() ?? -1
        guard architecture != 0, newest >= 0 else { return [] }
        let x32: UInt32 = 0x4000_0000
        var answer = [
            BPFInstruction(code: BPFInstruction.ifGreater, ifFalse: 1, value: UInt32(newest)),
            BPFInstruction(code: BPFInstruction.give, value: 0x0005_0000 | UInt32(ENOSYS)),
        ]
        if profile.architectures.contains("x32") {
            answer.insert(BPFInstruction(code: BPFInstruction.ifNotLess, ifTrue: 2, value: x32), at: 0)
        }
        return BPFInstruction.encode(
            [
                BPFInstruction(code: BPFInstruction.load, value: BPFInstruction.architectureOffset),
                BPFInstruction(code: BPFInstruction.ifEqual, ifFalse: UInt8(answer.count + 1), value: architecture),
                BPFInstruction(code: BPFInstruction.load, value: BPFInstruction.numberOffset),
            ] + answer)
    }
}
