import CSeccomp
import Launch
import Testing

@testable import OCIRuntime

/// A program searched by ranges answers each call as the list does that libseccomp makes.
@Suite struct SeccompRangesTests {
    private static let architectures: [UInt32] = [
        csec_native_audit_architecture(), 0x4000_0003, 0xc000_00b7, 0xc000_003e, 0, .max,
    ]
    private static let x32: UInt32 = 0x4000_0000

    /// Where profiles decide: all numbers of today's kernels and those around the marks of other interfaces.
    private static let numbers =
        Array(0..<560) + Array(x32 - 2..<x32 + 560) + [999, 0x8000_0000, .max - 1, .max]

    private static let calls = Set(SeccompProfile.containerDefault(capabilities: .max).rules.flatMap { $0.calls })
        .sorted()

    private func compare(_ profile: SeccompProfile, _ dice: inout Dice) throws {
        let list = try SeccompCompiler.list(profile)
        let search = SeccompRanges.search(in: list)
        let (asList, asSearch) = (FilterMachine(list), FilterMachine(search))
        var values: [UInt64] = [0, 1, 3]
        for condition in profile.rules.flatMap({ $0.conditions }) {
            values += [condition.value, condition.value &+ 1, condition.second]
        }
        for architecture in Self.architectures {
            for number in Self.numbers {
                let arguments = (0..<6).map { _ in values[dice.roll(values.count)] }
                let expected = try #require(asList.answer(to: number, architecture, arguments))
                if asSearch.answer(to: number, architecture, arguments) != expected {
                    Issue.record("\(number) on \(architecture) with \(arguments): not \(expected), of \(profile)")
                    return
                }
            }
        }
    }

    @Test func theDefaultProfileIsHalfAsLong() throws {
        var dice = Dice(state: 1)
        var profile = SeccompProfile.containerDefault(capabilities: 0xa804_25fb)
        try compare(profile, &dice)
        profile.architectures = ["x86", "x32"]
        try compare(profile, &dice)
        let list = try SeccompCompiler.list(profile)
        #expect(SeccompRanges.search(in: list).instructions.count * 2 < list.instructions.count)
    }

    @Test(arguments: 0..<60) func profilesByChance(seed: Int) throws {
        var dice = Dice(state: UInt64(seed) + 11)
        let actions: [SeccompProfile.Action] = [.allow, .fail(1), .fail(38), .killThread, .trap, .log, .trace(7)]
        let fallback = dice.roll(actions.count)
        let density = 1 + dice.roll(8)
        var rules: [SeccompProfile.Rule] = []
        for name in Self.calls where dice.roll(density) == 0 {
            let others = dice.roll(3) == 0 ? actions.count - 1 : 1
            let action = actions[(fallback + 1 + dice.roll(others)) % actions.count]
            let conditions = (0..<UInt32(dice.roll(6) == 0 ? 6 : 0)).filter { _ in dice.roll(3) == 0 }.map { index in
                SeccompProfile.Condition(
                    index, SeccompProfile.Comparison(rawValue: UInt32(1 + dice.roll(7))) ?? .equal,
                    UInt64(dice.roll(5)) << (dice.roll(2) * 32), UInt64(dice.roll(3)))
            }
            rules.append(.init([name], action, when: conditions))
        }
        let profile = SeccompProfile(
            defaultAction: actions[fallback], architectures: [[], ["x86"], ["x86", "x32"]][dice.roll(3)], rules: rules,
            answersUnknownCallsWithENOSYS: dice.roll(2) == 0)
        try compare(profile, &dice)
    }

    /// What is more than comparisons with constants is left as it is.
    @Test func aProgramThatCountsIsLeftAlone() {
        let load: [UInt8] = [0x20, 0, 0, 0, 0, 0, 0, 0]
        let mask: [UInt8] = [0x54, 0, 0, 0, 0xff, 0, 0, 0]
        let giveIt: [UInt8] = [0x16, 0, 0, 0, 0, 0, 0, 0]
        let program = SeccompProgram(instructions: load + mask + giveIt)
        #expect(SeccompRanges.search(in: program) == program)
        #expect(SeccompRanges.search(in: SeccompProgram(instructions: [])) == SeccompProgram(instructions: []))
    }
}
