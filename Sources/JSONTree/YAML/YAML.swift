/// YAML as Kubernetes reads it (YAML 1.1: `yes`, `on` and `0644` are a bool, a bool and 420), as JSON values.
package enum YAML {
    /// What a reader accepts. Beyond a limit it throws.
    package struct Limits: Sendable {
        package var maximumBytes: Int
        package var maximumDepth: Int
        /// How many values aliases may repeat in all: a bomb of nested anchors ends here.
        package var maximumAliasedValues: Int
        /// How many bytes of text aliases may repeat in all: repeating costs nothing here, but whoever writes the value pays for each.
        package var maximumAliasedBytes: Int

        package init(
            maximumBytes: Int = 64 << 20, maximumDepth: Int = 256, maximumAliasedValues: Int = 100_000,
            maximumAliasedBytes: Int = 4 << 20
        ) {
            self.maximumBytes = maximumBytes
            self.maximumDepth = maximumDepth
            self.maximumAliasedValues = maximumAliasedValues
            self.maximumAliasedBytes = maximumAliasedBytes
        }
    }

    /// The documents of a stream; empty ones are left out. Of equal keys the last wins.
    package static func documents(in bytes: [UInt8], limits: Limits = .init()) throws(YAMLError) -> [JSONValue] {
        var ignored: [DuplicateKey] = []
        return try documents(in: bytes, limits: limits, duplicates: &ignored)
    }

    package static func documents(in text: String, limits: Limits = .init()) throws(YAMLError) -> [JSONValue] {
        try documents(in: Array(text.utf8), limits: limits)
    }

    /// As above, and appends the keys that were repeated (at most 64) to `duplicates`.
    package static func documents(
        in bytes: [UInt8], limits: Limits = .init(), duplicates: inout [DuplicateKey]
    ) throws(YAMLError) -> [JSONValue] {
        guard bytes.count <= limits.maximumBytes else {
            throw YAMLError("larger than \(limits.maximumBytes) bytes", line: 1)
        }
        var repeated: [[DuplicateKey.Step]] = []
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<[JSONValue], YAMLError> in
            var composer = YAMLComposer(buffer, limits: limits)
            do throws(YAMLError) {
                let documents = try composer.documents()
                repeated = composer.duplicates
                return .success(documents)
            } catch {
                return .failure(error)
            }
        }
        let documents = try result.get()
        duplicates += repeated.map { DuplicateKey(path: $0.reversed()) }
        return documents
    }
}
