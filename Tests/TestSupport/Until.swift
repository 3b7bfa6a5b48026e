/// What a test waits for has not come.
package struct NeverCame: Error, CustomStringConvertible {
    package let description: String
}

/// Lets others go on until it is so.
/// - Throws: `NeverCame` with the place where it was waited for, after so many turns or where the test's time is over.
package func until(
    turns: Int = 10_000_000, file: String = #fileID, line: Int = #line, _ isSo: () async throws -> Bool
) async throws {
    for _ in 0..<turns {
        if try await isSo() { return }
        guard !Task.isCancelled else { break }
        await Task.yield()
    }
    throw NeverCame(description: "what \(file):\(line) waits for has not come")
}
