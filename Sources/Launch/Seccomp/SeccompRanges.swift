/// A seccomp program written anew as a search among ranges of call numbers, with the same answer to every call.
///
/// libseccomp compares with each number that a profile names. Most of them lie side by side and get one answer: as ranges there are half as many instructions,
/// and the kernel, which at the load of a filter tries every number of each architecture, is done in half the time. Where a call's arguments count, the program's
/// own instructions are kept and the search leads to them.
package enum SeccompRanges {
    /// The program itself where it does anything with architecture and number but compare them with constants.
    package static func search(in program: SeccompProgram) -> SeccompProgram {
        let instructions = BPFInstruction.decode(program.instructions)
        guard let answers = answersByArchitecture(instructions) else { return program }
        var writer = SearchWriter(instructions, keeping: answers.flatMap { $0.value.map { $0.value } })
        writer.write(answers)
        let written = writer.finished()
        return written.count < instructions.count
            ? SeccompProgram(instructions: BPFInstruction.encode(written)) : program
    }

    /// By the architectures and then the numbers from which on the program answers otherwise than before. No two neighbours are equal.
    private static func answersByArchitecture(_ instructions: [BPFInstruction]) -> [Step<[Step<SeccompAnswer>]>]? {
        let borders = borders(in: instructions)
        var result: [Step<[Step<SeccompAnswer>]>] = []
        for architecture in borders.ofArchitecture {
            var numbers: [Step<SeccompAnswer>] = []
            for number in borders.ofNumber {
                guard let answer = answer(of: instructions, to: number, on: architecture) else { return nil }
                if numbers.last?.value != answer { numbers.append(Step(from: number, value: answer)) }
            }
            if result.last?.value != numbers { result.append(Step(from: architecture, value: numbers)) }
        }
        return result
    }

    /// Between two of these all comparisons come out the same: ascending, from zero.
    private static func borders(in instructions: [BPFInstruction]) -> (ofArchitecture: [UInt32], ofNumber: [UInt32]) {
        // What can have been loaded before each instruction: jumps lead forward only, so one way through is enough.
        var loaded = [Loaded](repeating: [], count: instructions.count)
        var architectures: Set<UInt32> = [0]
        var numbers: Set<UInt32> = [0]
        for (index, instruction) in instructions.enumerated() {
            if loaded[index].contains(.architecture) { architectures.formUnion(instruction.borders) }
            if loaded[index].contains(.number) { numbers.formUnion(instruction.borders) }
            let after = instruction.code == BPFInstruction.load ? Loaded(from: instruction.value) : loaded[index]
            for next in instruction.followers(at: index) where next < loaded.count { loaded[next].formUnion(after) }
        }
        return (architectures.sorted(), numbers.sorted())
    }

    private struct Loaded: OptionSet {
        static let number = Loaded(rawValue: 1)
        static let architecture = Loaded(rawValue: 2)
        let rawValue: Int

        init(rawValue: Int) { self.rawValue = rawValue }

        init(from offset: UInt32) {
            switch offset {
            case BPFInstruction.numberOffset: self = .number
            case BPFInstruction.architectureOffset: self = .architecture
            default: self = []
            }
        }
    }

    /// Nil where the program cannot be followed.
    private static func answer(of instructions: [BPFInstruction], to number: UInt32, on architecture: UInt32)
        -> SeccompAnswer?
    {
        var loaded: UInt32?
        var index = 0
        while index < instructions.count {
            let instruction = instructions[index]
            switch (instruction.code, loaded) {
            case (BPFInstruction.load, _):
                switch instruction.value {
                case BPFInstruction.numberOffset: loaded = number
                case BPFInstruction.architectureOffset: loaded = architecture
                default: return .goOn(at: index)
                }
            case (BPFInstruction.give, _): return .give(instruction.value)
            case (BPFInstruction.jump, _): index += Int(instruction.value)
            case (_, let value?):
                guard let holds = instruction.holds(for: value) else { return nil }
                index += Int(holds ? instruction.ifTrue : instruction.ifFalse)
            default: return nil
            }
            index += 1
        }
        return nil
    }
}

/// What a program answers once architecture and number are known.
enum SeccompAnswer: Hashable {
    case give(UInt32)
    /// The arguments decide, from this instruction on, which loads one.
    case goOn(at: Int)
}

/// A value that holds from here up to the next step.
struct Step<Value> {
    var from: UInt32
    var value: Value
}

extension Step: Equatable where Value: Equatable {}
