/// Reads JSON (RFC 8259, strictly) in one pass over its bytes.
///
/// It never looks beyond the buffer, and its recursion ends at the depth limit. Of equal keys the last wins, and each repetition is
/// recorded, up to `maximumDuplicates`.
struct JSONParser: ~Copyable {
    /// Repetitions beyond this many are not recorded.
    static let maximumDuplicates = 64

    let bytes: UnsafeBufferPointer<UInt8>
    let maximumDepth: Int
    /// Members of these names are passed over where their values are objects or arrays.
    private let unwanted: [String]
    var position = 0
    var depth = 0
    /// Paths of repeated keys, each from the key outward.
    var duplicates: [[DuplicateKey.Step]] = []
    /// The members and elements of the objects and arrays that are still open.
    private var members = MoveStack<JSONObject.Member>(capacity: 64)
    private var elements = MoveStack<JSONValue>(capacity: 64)

    init(_ bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int, leavingOut names: [String] = []) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
        unwanted = names
    }

    mutating func document() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw JSONError(.textAfterValue, at: position) }
        return value
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        switch try peek() {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case let byte: throw JSONError(.unexpectedByte(byte, expected: "a value"), at: position)
        }
    }

    private mutating func object() throws(JSONError) -> JSONObject {
        try enter()
        skipSpace()
        if try peek() == UInt8(ascii: "}") {
            leave()
            return JSONObject()
        }
        let start = members.count
        var isSorted = true
        while true {
            let key = try key()
            if unwanted.contains(key), isBracket(try peek()) {
                passOver()
            } else {
                let known = duplicates.count
                let value = try value()
                if duplicates.count > known { extendDuplicates(from: known, with: .key(key)) }
                add(key, value, from: start, &isSorted)
            }
            skipSpace()
            switch try peek() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "}"):
                leave()
                return isSorted ? JSONObject(sorted: members.take(from: start)) : sorted(members.take(from: start))
            default: throw unexpected("',' or '}' after a member")
            }
            skipSpace()
        }
    }

    private func isBracket(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") }

    /// Steps over an object or an array.
    private mutating func passOver() {
        var open = 0
        var isInString = false
        var at = position
        while at < bytes.count {
            switch (bytes[at], isInString) {
            case (UInt8(ascii: "\""), _): isInString.toggle()
            case (UInt8(ascii: "\\"), true): at += 1
            case (UInt8(ascii: "{"), false), (UInt8(ascii: "["), false): open += 1
            case (UInt8(ascii: "}"), false), (UInt8(ascii: "]"), false): open -= 1
            default: break
            }
            at += 1
            if open == 0 { break }
        }
        position = min(at, bytes.count)
    }

    /// A key with its colon, up to the value.
    private mutating func key() throws(JSONError) -> String {
        guard try peek() == UInt8(ascii: "\"") else { throw unexpected("a key") }
        let key = try string(isKey: true)
        skipSpace()
        guard try peek() == UInt8(ascii: ":") else { throw unexpected("':' after a key") }
        position += 1
        skipSpace()
        return key
    }

    /// Adds a member to the object that began at `start`. Small objects are sorted as they come, large ones at their end.
    private mutating func add(_ key: String, _ value: JSONValue, from start: Int, _ isSorted: inout Bool) {
        guard isSorted, members.count > start, members[members.count - 1].key >= key else {
            return members.push(.init(key: key, value: value))
        }
        guard members.count - start <= 32 else {
            isSorted = false
            return members.push(.init(key: key, value: value))
        }
        var low = start
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].key < key { low = middle + 1 } else { high = middle }
        }
        if members[low].key == key {
            members[low].value = value
            record(duplicate: key)
        } else {
            members.insert(.init(key: key, value: value), at: low)
        }
    }

    private mutating func sorted(_ members: [JSONObject.Member]) -> JSONObject {
        let object = JSONObject(members: members)
        if object.count < members.count {
            var seen: Set<String> = []
            for member in members where !seen.insert(member.key).inserted { record(duplicate: member.key) }
        }
        return object
    }

    private mutating func record(duplicate key: String) {
        if duplicates.count < Self.maximumDuplicates { duplicates.append([.key(key)]) }
    }

    private mutating func array() throws(JSONError) -> [JSONValue] {
        try enter()
        skipSpace()
        if try peek() == UInt8(ascii: "]") {
            leave()
            return []
        }
        let start = elements.count
        while true {
            let known = duplicates.count
            let element = try value()
            if duplicates.count > known { extendDuplicates(from: known, with: .index(elements.count - start)) }
            elements.push(element)
            skipSpace()
            switch try peek() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "]"):
                leave()
                return elements.take(from: start)
            default: throw unexpected("',' or ']' after an element")
            }
            skipSpace()
        }
    }

    /// Steps over an opening bracket.
    private mutating func enter() throws(JSONError) {
        guard depth < maximumDepth else { throw JSONError(.tooDeep(limit: maximumDepth), at: position) }
        depth += 1
        position += 1
    }

    /// Steps over a closing bracket.
    private mutating func leave() {
        depth -= 1
        position += 1
    }

    private mutating func extendDuplicates(from first: Int, with step: DuplicateKey.Step) {
        for index in first..<duplicates.count { duplicates[index].append(step) }
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let length = text.utf8CodeUnitCount
        guard bytes.count - position >= length else { throw JSONError(.invalidLiteral, at: position) }
        for index in 0..<length where bytes[position + index] != text.utf8Start[index] {
            throw JSONError(.invalidLiteral, at: position)
        }
        position += length
        return value
    }

    func peek() throws(JSONError) -> UInt8 {
        guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        return bytes[position]
    }

    private func unexpected(_ expected: String) -> JSONError {
        position < bytes.count
            ? JSONError(.unexpectedByte(bytes[position], expected: expected), at: position)
            : JSONError(.unexpectedEnd, at: position)
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0a, 0x0d, 0x09: position += 1
            default: return
            }
        }
    }
}
