import Glibc
import Linux
import OCI

/// A seccomp profile as a file has it: the section of the runtime specification, with docker's conditions on its rules (`includes`, `excludes`) and on its
/// architectures (`archMap`), which moby's profiles/seccomp describes.
enum SeccompFile {
    /// What the conditions are asked of.
    struct Circumstances: Sendable, Hashable {
        /// The container's, such as `CAP_CHOWN`.
        var capabilities: Set<String>
        /// The machine's, such as `amd64`.
        var architecture: String
        var kernel: Release
    }

    struct Release: Sendable, Hashable, Comparable {
        var major: Int
        var minor: Int

        static func < (left: Release, right: Release) -> Bool {
            (left.major, left.minor) < (right.major, right.minor)
        }
    }

    /// What is left of a file where it is asked. A condition that is not known is refused: to pass over it would allow what the file forbids.
    static func profile(
        _ reader: SpecificationReader, for circumstances: Circumstances
    ) throws(OCIError) -> SeccompProfile {
        try checkCode(reader, "defaultErrno", "defaultErrnoRet")
        var section = try SeccompSpecification(reader) { rule throws(OCIError) in
            guard try circumstances.meet(rule) else { return nil }
            try checkCode(rule, "errno", "errnoRet")
            // docker's first profiles have one call a rule.
            let name = try rule.string("name") ?? ""
            if !name.isEmpty, try rule.strings("names") != nil {
                throw rule.failure("name", "names is there too; one of the two counts")
            }
            return try SeccompSpecification.Rule(rule, older: name.isEmpty ? [] : [name])
        }
        guard !section.rules.contains(where: { $0.action == "SCMP_ACT_NOTIFY" }) else {
            throw reader.failure("syscalls", "SCMP_ACT_NOTIFY is not supported")
        }
        section.architectures += try architectures(reader, of: circumstances)
        if let name = section.architectures.first(where: { SeccompProfile.architecture($0) == nil }) {
            throw reader.failure("architectures", "\"\(name)\" is not known")
        }
        return SeccompProfile(section)
    }

    /// Podman's files give an error by name and by number; the number counts.
    private static func checkCode(
        _ reader: SpecificationReader, _ name: String, _ number: String
    ) throws(OCIError) {
        guard let text = try reader.string(name), !text.isEmpty, try reader.integer(number) == nil else { return }
        throw reader.failure(name, "give the error's number, as \(number)")
    }

    private static let names = ["amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64"]

    /// Those that the machine's own brings with it.
    private static func architectures(
        _ reader: SpecificationReader, of circumstances: Circumstances
    ) throws(OCIError) -> [String] {
        let entries = try reader.objects("archMap")
        let named = try reader.strings("architectures") ?? []
        guard entries.isEmpty || named.isEmpty else {
            throw reader.failure("archMap", "architectures is there too; one of the two counts")
        }
        for entry in entries where try entry.required("architecture") == names[circumstances.architecture] {
            return try entry.strings("subArchitectures") ?? []
        }
        return []
    }
}

extension SeccompFile.Circumstances {
    static func here(capabilities: UInt64) -> Self {
        var names = utsname()
        uname(&names)
        let release = withUnsafeBytes(of: names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        #if arch(arm64)
            let architecture = "arm64"
        #else
            let architecture = "amd64"
        #endif
        let numbers = release.split { !$0.isNumber }.map { Int($0) ?? 0 }
        return Self(
            capabilities: Set(Capability.names(in: capabilities)), architecture: architecture,
            kernel: .init(major: numbers.first ?? 0, minor: numbers.count > 1 ? numbers[1] : 0))
    }

    /// Whether the rule counts: all that it includes is there, and nothing that it excludes.
    fileprivate func meet(_ rule: SpecificationReader) throws(OCIError) -> Bool {
        let includes = try Condition(rule, "includes")
        let excludes = try Condition(rule, "excludes")
        if !includes.architectures.isEmpty && !includes.architectures.contains(architecture) { return false }
        if !includes.capabilities.isSubset(of: capabilities) { return false }
        if let least = includes.kernel, kernel < least { return false }
        if excludes.architectures.contains(architecture) { return false }
        if !excludes.capabilities.isDisjoint(with: capabilities) { return false }
        if let least = excludes.kernel, kernel >= least { return false }
        return true
    }

    private struct Condition {
        var architectures: [String] = []
        var capabilities: Set<String> = []
        /// The oldest that is meant.
        var kernel: SeccompFile.Release?

        /// - Parameter name: the field's; without it there is no condition.
        init(_ rule: SpecificationReader, _ name: String) throws(OCIError) {
            guard let reader = try rule.object(name) else { return }
            architectures = try reader.strings("arches") ?? []
            capabilities = Set(try reader.strings("caps") ?? [])
            if let text = try reader.string("minKernel"), !text.isEmpty { kernel = try Self.release(text, reader) }
            if let other = reader.names.first(where: { !["arches", "caps", "minKernel"].contains($0) }) {
                throw reader.failure(other, "there are arches, caps and minKernel")
            }
        }

        private static func release(
            _ text: String, _ reader: SpecificationReader
        ) throws(OCIError) -> SeccompFile.Release {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt16($0) }
            guard parts.count == 2, let major = parts[0], let minor = parts[1], (major, minor) != (0, 0) else {
                throw reader.failure("minKernel", "\"\(text)\" is no release such as 4.8")
            }
            return SeccompFile.Release(major: Int(major), minor: Int(minor))
        }
    }
}
