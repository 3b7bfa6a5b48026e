import Glibc
import Launch
import OCISpecification

/// Compiled seccomp programs under the state root, found by their profile: compiling takes five to fifteen milliseconds, reading one a
/// twentieth of one. A file holds the profile itself before the program, so that equal hashes of different profiles do no harm.
///
/// At most 64; beyond that all go and the cache starts anew.
struct SeccompCache {
    private static let capacity = 64
    /// Changed where the compiler gives other programs for the same profile.
    private static let version = "5"
    let root: String

    func program(for section: SeccompSpecification) throws(OCIRuntimeError) -> CompiledSeccomp {
        let profile = try SeccompDecision.profile(section)
        let flags = try SeccompDecision.flags(section)
        let key = SeccompCache.key(of: profile)
        let folder = root + "/.seccomp"
        let file = folder + "/" + SeccompCache.name(of: key)
        if let program = known(file, key) { return CompiledSeccomp(program: program, flags: flags) }
        let program: SeccompProgram
        do throws(KernelError) { program = try SeccompCompiler.compile(profile) } catch {
            throw .unsupported(field: "linux.seccomp", cause: error.description)
        }
        keep(program, key, folder, file)
        return CompiledSeccomp(program: program, flags: flags)
    }

    private func known(_ file: String, _ key: [UInt8]) -> SeccompProgram? {
        guard let bytes = try? WholeFile.read(file), bytes.count > key.count, memcmp(bytes, key, key.count) == 0 else {
            return nil
        }
        let instructions = Array(bytes[key.count...])
        return instructions.count % 8 == 0 ? SeccompProgram(instructions: instructions) : nil
    }

    /// A cache that cannot be written is none.
    private func keep(_ program: SeccompProgram, _ key: [UInt8], _ folder: String, _ file: String) {
        mkdir(folder, 0o700)
        makeRoom(in: folder)
        try? WholeFile.replace(file, with: key + program.instructions, durable: false)
    }

    private func makeRoom(in folder: String) {
        guard let directory = opendir(folder) else { return }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        guard names.count - 2 >= SeccompCache.capacity else { return }
        for name in names where !name.hasPrefix(".") { unlink(folder + "/" + name) }
    }

    /// The profile as words with their lengths, ending in zeroes up to a multiple of eight.
    private static func key(of profile: SeccompProfile) -> [UInt8] {
        var machine = utsname()
        uname(&machine)
        let architecture = withUnsafeBytes(of: machine.machine) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        let head =
            "\(version) \(architecture) \(number(profile.defaultAction)) \(profile.answersUnknownCallsWithENOSYS)"
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 << 10)
        bytes.append(contentsOf: head.utf8)
        for name in profile.architectures { append(name, to: &bytes) }
        for rule in profile.rules {
            append("\(number(rule.action)) \(rule.calls.count)", to: &bytes)
            for name in rule.calls { append(name, to: &bytes) }
            for one in rule.conditions {
                append("\(one.argument) \(one.comparison.rawValue) \(one.value) \(one.second)", to: &bytes)
            }
        }
        bytes.append(0)
        while bytes.count % 8 != 0 { bytes.append(0) }
        return bytes
    }

    private static func append(_ word: String, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: word.utf8.count)) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: word.utf8)
    }

    /// An enumeration's own description is made by reflection, which costs as much as all the rest of a call.
    private static func number(_ action: SeccompProfile.Action) -> UInt32 {
        switch action {
        case .allow: 0
        case .killProcess: 1
        case .killThread: 2
        case .trap: 3
        case .log: 4
        case .notify: 5
        case .fail(let code): 1 << 16 | UInt32(code)
        case .trace(let code): 2 << 16 | UInt32(code)
        }
    }

    /// FNV-1a.
    private static func name(of key: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return "\(hash)"
    }
}
