import CSeccomp
import Glibc
import JSONTree
import Launch
import OCISpecification
import Testing

@testable import OCIRuntime

/// Profiles made by chance: each program answers calls as the profile says, tried by carrying it out; and none traps, whatever is written
/// in the section.
@Suite struct SeccompFuzzTests {
    private static let actions: [(name: String, answer: UInt32)] = [
        ("SCMP_ACT_ALLOW", 0x7fff_0000), ("SCMP_ACT_ERRNO", 0x0005_0001), ("SCMP_ACT_KILL_PROCESS", 0x8000_0000),
        ("SCMP_ACT_KILL_THREAD", 0), ("SCMP_ACT_TRAP", 0x0003_0000), ("SCMP_ACT_LOG", 0x7ffc_0000),
        ("SCMP_ACT_TRACE", 0x7ff0_0001),
    ]
    private static let calls = """
        read write close fstat lseek mmap mprotect munmap ioctl dup socket clone ptrace mount umount2 personality keyctl
        unshare setns bpf openat mkdirat chroot reboot kexec_load
        """.split { $0 == " " || $0 == "\n" }.map(String.init)
    private static let operations: [(name: String, comparison: SeccompProfile.Comparison)] = [
        ("SCMP_CMP_NE", .notEqual), ("SCMP_CMP_LT", .less), ("SCMP_CMP_LE", .lessOrEqual), ("SCMP_CMP_EQ", .equal),
        ("SCMP_CMP_GE", .greaterOrEqual), ("SCMP_CMP_GT", .greater), ("SCMP_CMP_MASKED_EQ", .maskedEqual),
    ]

    private typealias Known = (call: String, conditions: [SeccompProfile.Condition], answer: UInt32)

    private struct Case {
        var section: JSONValue
        /// What each call that is named may answer, by its arguments.
        var rules: [Known]
        var fallback: UInt32
    }

    private func number(_ dice: inout Dice) -> UInt64 {
        let high = UInt64(dice.roll(3)) << 32
        return high | UInt64(dice.roll(2) == 0 ? dice.roll(6) : dice.roll(1 << 30))
    }

    private func made(_ dice: inout Dice) -> Case {
        let fallback = dice.roll(Self.actions.count)
        var rules: [JSONValue] = []
        var known: [Known] = []
        for call in Self.calls where dice.roll(2) == 0 {
            let action = Self.actions[(fallback + 1 + dice.roll(Self.actions.count - 1)) % Self.actions.count]
            var conditions: [SeccompProfile.Condition] = []
            var arguments: [JSONValue] = []
            for index in 0..<UInt32(6) where dice.roll(5) == 0 {
                let operation = Self.operations[dice.roll(7)]
                let value = number(&dice)
                // What a mask leaves out can never be equal.
                let second = number(&dice) & value
                conditions.append(.init(index, operation.comparison, value, second))
                arguments.append([
                    "index": .integer(Int64(index)), "value": .integer(Int64(value)),
                    "valueTwo": .integer(Int64(second)), "op": .string(operation.name),
                ])
            }
            known.append((call, conditions, action.answer))
            rules.append(
                ["names": [.string(call)], "action": .string(action.name), "args": .array(arguments)])
        }
        let section: JSONValue = [
            "defaultAction": .string(Self.actions[fallback].name), "syscalls": .array(rules),
        ]
        return Case(section: section, rules: known, fallback: Self.actions[fallback].answer)
    }

    private func holds(_ condition: SeccompProfile.Condition, _ argument: UInt64) -> Bool {
        switch condition.comparison {
        case .notEqual: argument != condition.value
        case .less: argument < condition.value
        case .lessOrEqual: argument <= condition.value
        case .equal: argument == condition.value
        case .greaterOrEqual: argument >= condition.value
        case .greater: argument > condition.value
        case .maskedEqual: argument & condition.value == condition.second
        }
    }

    private func compiled(_ section: JSONValue) throws -> SeccompProgram? {
        let whole: JSONValue = ["ociVersion": "1.2.0", "root": ["path": "r"], "linux": ["seccomp": section]]
        guard let seccomp = try RuntimeSpecification(whole, file: "f").linux.seccomp else { return nil }
        _ = try SeccompDecision.flags(seccomp)
        return try SeccompCompiler.compile(try SeccompDecision.profile(seccomp))
    }

    @Test func aProgramAnswersAsItsProfileSays() throws {
        var dice = Dice(state: 4)
        var answers: Set<UInt32> = []
        for _ in 0..<40 {
            let one = made(&dice)
            let machine = FilterMachine(try #require(try compiled(one.section)))
            let newest = one.rules.map { csec_call_number($0.call) }.max() ?? -1
            for call in Self.calls {
                let number = csec_call_number(call)
                guard number >= 0 else { continue }
                let rule = one.rules.first { $0.call == call }
                for _ in 0..<6 {
                    var arguments = (0..<6).map { _ in self.number(&dice) }
                    for condition in rule?.conditions ?? [] where dice.roll(3) > 0 {
                        arguments[Int(condition.argument)] =
                            condition.comparison == .maskedEqual ? condition.second : condition.value
                    }
                    var expected = one.fallback
                    if expected == 0x0005_0001, newest >= 0, number > newest { expected = 0x0005_0000 | UInt32(ENOSYS) }
                    if let rule, rule.conditions.allSatisfy({ holds($0, arguments[Int($0.argument)]) }) {
                        expected = rule.answer
                    }
                    let answer = machine.answer(
                        to: UInt32(number), csec_native_audit_architecture(), arguments)
                    #expect(answer == expected, "\(call) \(arguments) of \(one.section)")
                    answers.insert(expected)
                }
            }
        }
        #expect(answers.count == Self.actions.count + 1)
    }

    @Test func anySectionIsCompiledOrRefused() {
        var dice = Dice(state: 9)
        var compiles = 0
        for _ in 0..<300 {
            let section = made(&dice).section.mutated(&dice)
            if let program = try? compiled(section), !program.instructions.isEmpty { compiles += 1 }
        }
        #expect((10..<290).contains(compiles), "\(compiles) of 300 were compiled")
    }
}

/// The kernel's classic filter machine, as far as filters of system calls use it.
struct FilterMachine {
    private struct Instruction {
        var code: UInt32
        var yes: Int
        var no: Int
        var value: UInt32
    }

    private let instructions: [Instruction]

    init(_ program: SeccompProgram) {
        let bytes = program.instructions.map { UInt32($0) }
        var read: [Instruction] = []
        for at in stride(from: 0, to: bytes.count - 7, by: 8) {
            let value = bytes[at + 4] | bytes[at + 5] << 8 | bytes[at + 6] << 16 | bytes[at + 7] << 24
            let code = bytes[at] | bytes[at + 1] << 8
            read.append(Instruction(code: code, yes: Int(bytes[at + 2]), no: Int(bytes[at + 3]), value: value))
        }
        instructions = read
    }

    /// Nil where the program leaves itself, or says what the kernel does not know.
    func answer(to call: UInt32, _ architecture: UInt32, _ arguments: [UInt64]) -> UInt32? {
        var words: [UInt32] = [call, architecture, 0, 0]
        for argument in arguments { words += [UInt32(truncatingIfNeeded: argument), UInt32(argument >> 32)] }
        var accumulator: UInt32 = 0
        var at = 0
        while at < instructions.count {
            let one = instructions[at]
            at += 1
            switch one.code {
            case 0x20:
                guard one.value % 4 == 0, one.value / 4 < UInt32(words.count) else { return nil }
                accumulator = words[Int(one.value / 4)]
            case 0x54: accumulator &= one.value
            case 0x05: at += Int(one.value)
            case 0x15: at += accumulator == one.value ? one.yes : one.no
            case 0x25: at += accumulator > one.value ? one.yes : one.no
            case 0x35: at += accumulator >= one.value ? one.yes : one.no
            case 0x45: at += accumulator & one.value != 0 ? one.yes : one.no
            case 0x06: return one.value
            default: return nil
            }
        }
        return nil
    }
}
