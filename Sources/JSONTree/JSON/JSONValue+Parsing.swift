/// A key that stood twice in one object; the last one won.
package struct DuplicateKey: Sendable, Hashable, CustomStringConvertible {
    package enum Step: Sendable, Hashable {
        case key(String)
        case index(Int)
    }

    /// From the root inward; the last step is the key.
    package let path: [Step]

    /// `spec.containers[0].name`.
    package var description: String {
        var text = ""
        for step in path {
            switch step {
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }
}

/// What a parser accepts. Beyond a limit it throws.
package struct JSONLimits: Sendable {
    package var maximumBytes: Int
    package var maximumDepth: Int

    package init(maximumBytes: Int = 64 << 20, maximumDepth: Int = 256) {
        self.maximumBytes = maximumBytes
        self.maximumDepth = maximumDepth
    }
}

extension JSONValue {
    /// Reads a JSON text. Of equal keys the last wins. Members of these names whose value is an object or an array are left out, and the values not looked at
    /// beyond their brackets and strings: for texts that are known to be well-formed.
    package init(
        parsing bytes: [UInt8], limits: JSONLimits = .init(), leavingOut names: [String] = []
    ) throws(JSONError) {
        var ignored: [DuplicateKey] = []
        try self.init(parsing: bytes, limits: limits, leavingOut: names, duplicates: &ignored)
    }

    /// Reads a JSON text and appends the keys that were repeated in it (at most 64) to `duplicates`.
    package init(
        parsing bytes: [UInt8], limits: JSONLimits = .init(), leavingOut names: [String] = [],
        duplicates: inout [DuplicateKey]
    ) throws(JSONError) {
        guard bytes.count <= limits.maximumBytes else {
            throw JSONError(.tooLarge(limit: limits.maximumBytes), at: limits.maximumBytes)
        }
        var found: [[DuplicateKey.Step]] = []
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<JSONValue, JSONError> in
            var parser = JSONParser(buffer, maximumDepth: limits.maximumDepth, leavingOut: names)
            do throws(JSONError) {
                let value = try parser.document()
                found = parser.duplicates
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
        duplicates += found.map { DuplicateKey(path: $0.reversed()) }
    }

    package init(parsing text: String, limits: JSONLimits = .init()) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }
}
