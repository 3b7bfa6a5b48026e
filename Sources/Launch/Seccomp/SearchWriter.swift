/// Writes a program from its end to its beginning, because jumps lead forward only: where one leads is known when it is written.
struct SearchWriter {
    /// The last instruction first.
    private var written: [BPFInstruction] = []
    /// Where each kept instruction that an answer goes on at is.
    private var kept: [Int: Int] = [:]
    /// Where an answer was written last.
    private var places: [SeccompAnswer: Int] = [:]

    /// Begins with what is kept of a program: the instructions from these answers on.
    init(_ program: [BPFInstruction], keeping answers: [SeccompAnswer]) {
        keep(program, from: answers)
    }

    consuming func finished() -> [BPFInstruction] { written.reversed() }

    mutating func write(_ answers: [Step<[Step<SeccompAnswer>]>]) {
        let first = place(answers[...]) { writer, numbers in
            if numbers.count == 1 { return writer.place(numbers[0].value) }
            let first = writer.place(numbers[...]) { $0.place($1) }
            writer.lead(to: first)
            return writer.append(BPFInstruction(code: BPFInstruction.load, value: BPFInstruction.numberOffset))
        }
        lead(to: first)
        append(BPFInstruction(code: BPFInstruction.load, value: BPFInstruction.architectureOffset))
    }

    /// Writes what finds the step that holds, and gives its place.
    private mutating func place<Value: Equatable>(
        _ steps: ArraySlice<Step<Value>>, _ leaf: (inout SearchWriter, Value) -> Int
    ) -> Int {
        let begin = steps.startIndex
        if steps.count == 1 { return leaf(&self, steps[begin].value) }
        // One number that differs from those around it takes one comparison instead of two.
        if steps.count == 3, steps[begin].value == steps[begin + 2].value,
            steps[begin + 1].from &+ 1 == steps[begin + 2].from
        {
            let others = leaf(&self, steps[begin].value)
            let one = leaf(&self, steps[begin + 1].value)
            return branch(BPFInstruction.ifEqual, steps[begin + 1].from, one, others)
        }
        // Threes are left whole.
        let middle = steps.count < 4 ? begin + 1 : begin + (steps.count + 3) / 6 * 3
        let upper = place(steps[middle...], leaf)
        let lower = place(steps[..<middle], leaf)
        return branch(BPFInstruction.ifNotLess, steps[middle].from, upper, lower)
    }

    private mutating func place(_ answer: SeccompAnswer) -> Int {
        // A branch reaches 255 instructions on, and two places can be needed for one.
        if let place = places[answer], written.count - place < Int(UInt8.max) - 2 { return place }
        switch answer {
        case .give(let value): append(BPFInstruction(code: BPFInstruction.give, value: value))
        case .goOn(let index): _ = jump(to: kept[index, default: 0])
        }
        places[answer] = written.count - 1
        return written.count - 1
    }

    private mutating func branch(_ code: UInt16, _ value: UInt32, _ ifTrue: Int, _ ifFalse: Int) -> Int {
        // One more than the other's way may become.
        let isFar = { (place: Int, count: Int) in count - 1 - place >= Int(UInt8.max) }
        var (ifTrue, ifFalse) = (ifTrue, ifFalse)
        if isFar(ifTrue, written.count) { ifTrue = jump(to: ifTrue) }
        if isFar(ifFalse, written.count) { ifFalse = jump(to: ifFalse) }
        let own = written.count
        return append(
            BPFInstruction(code: code, ifTrue: UInt8(own - 1 - ifTrue), ifFalse: UInt8(own - 1 - ifFalse), value: value)
        )
    }

    private mutating func jump(to place: Int) -> Int {
        append(BPFInstruction(code: BPFInstruction.jump, value: UInt32(written.count - 1 - place)))
    }

    /// What is written next is followed by what is at the place.
    private mutating func lead(to place: Int) {
        if place != written.count - 1 { _ = jump(to: place) }
    }

    @discardableResult
    private mutating func append(_ instruction: BPFInstruction) -> Int {
        written.append(instruction)
        return written.count - 1
    }

    /// All that can be reached from the answers, in the program's order: leaving out what lies between makes no way longer.
    private mutating func keep(_ program: [BPFInstruction], from answers: [SeccompAnswer]) {
        var isKept = [Bool](repeating: false, count: program.count)
        for case .goOn(let index) in answers { isKept[index] = true }
        for index in program.indices where isKept[index] {
            for next in program[index].followers(at: index) { isKept[next] = true }
        }
        var placeOf = [Int](repeating: 0, count: program.count)
        for index in program.indices.reversed() where isKept[index] {
            var instruction = program[index]
            let distances = program[index].followers(at: index).map { written.count - 1 - placeOf[$0] }
            if instruction.isCondition {
                (instruction.ifTrue, instruction.ifFalse) = (UInt8(distances[0]), UInt8(distances[1]))
            } else if instruction.code == BPFInstruction.jump {
                instruction.value = UInt32(distances[0])
            }
            placeOf[index] = append(instruction)
        }
        for case .goOn(let index) in answers { kept[index] = placeOf[index] }
    }
}
