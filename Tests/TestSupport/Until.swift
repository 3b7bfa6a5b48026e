/// What a test waits for has not come.
package struct NeverCame: Error, CustomStringConvertible {
    package let description: String
}

/// Lets others go on until it is so.
/// - Throws: `NeverCame` with the place where it was waited for, after two minutes or where the test's time is over.
package func until(
    file: String = #fileID, line: Int = #line, _ isSo: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let end = clock.now.advanced(by: .seconds(120))
    var turns = 0
    while turns % 1_000 != 0 || clock.now < end {
        if try await isSo() { return }
        guard !Task.isCancelled else { break }
        await Task.yield()
        turns += 1
    }
    throw NeverCame(description: "what \(file):\(line) waits for has not come")
}
