import JSONTree
import Launch
import OCI
import TestSupport
import Testing

@testable import ContainerRuntime

@Suite struct SeccompFileTests {
    private typealias Circumstances = SeccompFile.Circumstances

    private static let here = Circumstances(
        capabilities: ["CAP_CHOWN", "CAP_SYS_ADMIN"], architecture: "amd64", kernel: .init(major: 6, minor: 1))

    private func profile(_ text: String, _ circumstances: Circumstances = here) throws -> SeccompProfile {
        let reader = try SpecificationReader(try JSONValue(parsing: Array(text.utf8)), file: "f")
        return try SeccompFile.profile(reader, for: circumstances)
    }

    /// The calls that a rule of `chdir` with these conditions leaves.
    private func counts(_ conditions: String, _ circumstances: Circumstances = here) throws -> Bool {
        let rule = #"{"names": ["chdir"], "action": "SCMP_ACT_ALLOW", \#(conditions)}"#
        return try !profile(
            #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [\#(rule)]}"#, circumstances
        ).rules.isEmpty
    }

    @Test func aRuleCountsWhereAllThatItIncludesIsThere() throws {
        #expect(try counts(#""includes": {}, "excludes": {}, "comment": "x""#))
        #expect(try counts(#""includes": {"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]}"#))
        #expect(try !counts(#""includes": {"caps": ["CAP_CHOWN", "CAP_SYS_TIME"]}"#))
        #expect(try !counts(#""includes": {"caps": ["ALL"]}"#) && !counts(#""includes": {"caps": ["CAP_NONSENSE"]}"#))
        #expect(try counts(#""includes": {"arches": ["arm64", "amd64"]}"#))
        #expect(try !counts(#""includes": {"arches": ["arm64"]}"#))
        #expect(try counts(#""includes": {"minKernel": "4.8"}"#) && counts(#""includes": {"minKernel": "6.1"}"#))
        #expect(try !counts(#""includes": {"minKernel": "6.2"}"#) && !counts(#""includes": {"minKernel": "7.0"}"#))
        #expect(try !counts(#""includes": {"arches": ["amd64"], "minKernel": "6.2"}"#))
    }

    @Test func aRuleCountsWhereNothingThatItExcludesIsThere() throws {
        #expect(try !counts(#""excludes": {"caps": ["CAP_SYS_TIME", "CAP_CHOWN"]}"#))
        #expect(try counts(#""excludes": {"caps": ["CAP_SYS_TIME"]}"#))
        #expect(try !counts(#""excludes": {"arches": ["amd64"]}"#) && counts(#""excludes": {"arches": ["arm"]}"#))
        #expect(try !counts(#""excludes": {"minKernel": "6.1"}"#) && counts(#""excludes": {"minKernel": "6.10"}"#))
        #expect(try !counts(#""includes": {"caps": ["CAP_CHOWN"]}, "excludes": {"caps": ["CAP_SYS_ADMIN"]}"#))
    }

    @Test func theMachinesArchitectureBringsItsOthers() throws {
        let text = """
            {"defaultAction": "SCMP_ACT_ALLOW", "archMap": [
              {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
              {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}]}
            """
        #expect(try profile(text).architectures == ["x86", "x32"])
        var other = Self.here
        other.architecture = "arm64"
        #expect(try profile(text, other).architectures == ["arm"])
        #expect(throws: OCIError.self) {
            try profile(
                #"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], \#(text.dropFirst())"#)
        }
    }

    @Test func oldAndForeignFormsAreRead() throws {
        let old = #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"name": "chdir", "action": "SCMP_ACT_ALLOW"}]}"#
        #expect(try profile(old).rules == [.init(["chdir"], .allow)] && profile(old).answersUnknownCallsWithENOSYS)
        let podman = """
            {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "defaultErrno": "ENOSYS", "syscalls": [
              {"names": ["chdir"], "action": "SCMP_ACT_ERRNO", "args": null, "errnoRet": 1, "errno": "EPERM"}]}
            """
        #expect(try profile(podman).defaultAction == .fail(38) && profile(podman).rules == [.init(["chdir"], .fail(1))])
    }

    @Test(arguments: [
        #""includes": {"kernels": ["6"]}"#, #""excludes": {"minKernel": "6"}"#, #""includes": {"minKernel": "6.1.2"}"#,
        #""includes": {"minKernel": "0.0"}"#, #""includes": {"minKernel": "65535.65536"}"#, #""includes": [1]"#,
        #""errno": "EPERM""#, #""name": "fchdir""#, #""args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]"#,
    ])
    func whatCannotBeUnderstoodIsRefused(_ conditions: String) {
        #expect(throws: OCIError.self) { try counts(conditions) }
    }

    @Test func aLargestReleaseIsRead() throws {
        #expect(try !counts(#""includes": {"minKernel": "65535.65535"}"#))
    }

    /// Rules by chance, each asked by hand too.
    @Test func conditionsByChance() throws {
        var dice = WildBytes(seed: 3)
        let words = (caps: ["CAP_CHOWN", "CAP_SYS_TIME", "CAP_SYS_ADMIN"], arches: ["amd64", "arm64", "x32"])
        var seen: Set<Bool> = []
        for _ in 0..<500 {
            func chosen(_ list: [String]) -> [String] { list.filter { _ in dice.next(below: 3) == 0 } }
            let (withCaps, withoutCaps) = (chosen(words.caps), chosen(words.caps))
            let (withArches, withoutArches) = (chosen(words.arches), chosen(words.arches))
            let least = dice.next(below: 4)
            let minimum = least == 0 ? "" : #", "minKernel": "6.\#(least - 1)""#
            let expected =
                withCaps.allSatisfy(Self.here.capabilities.contains)
                && (withArches.isEmpty || withArches.contains("amd64"))
                && least <= 2 && !withoutCaps.contains(where: Self.here.capabilities.contains)
                && !withoutArches.contains("amd64")
            let conditions = """
                "includes": {"caps": \(withCaps), "arches": \(withArches)\(minimum)},
                "excludes": {"caps": \(withoutCaps), "arches": \(withoutArches)}
                """
            #expect(try counts(conditions) == expected, "\(conditions)")
            seen.insert(expected)
        }
        #expect(seen.count == 2)
    }

    @Test func anyFileIsReadOrRefused() {
        let whole = """
            {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "archMap": [
              {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}], "syscalls": [
              {"names": ["chdir"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
              {"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "excludes": {"caps": ["CAP_BPF"]}},
              {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8", "arches": ["amd64"]}}]}
            """
        var read = 0
        for seed in WildBytes.seeds(2_000) {
            var wild = WildBytes(seed: seed)
            let bytes = wild.mutated(Array(whole.utf8))
            guard let value = try? JSONValue(parsing: bytes),
                let reader = try? SpecificationReader(value, file: "f"),
                let profile = try? SeccompFile.profile(reader, for: Self.here)
            else { continue }
            read += 1
            _ = try? SeccompCompiler.compile(profile)
        }
        #expect((1..<2_000).contains(read), "\(read) were read")
    }
}
