import HTTP

/// Lines of several sources on their way to one reader.
enum MergedLines {
    /// Runs `sources` together, each of which gives its lines to the function that it gets. Ends with the first source that ends, with more
    /// than `bound` lines that were not read, and when the reader goes; the sources are cancelled then, and what they say of that reaches nobody.
    static func stream(
        bound: Int = 1_024, _ sources: [@Sendable (_ put: @Sendable ([UInt8]) -> Void) async -> Void]
    ) -> ByteStream {
        let (lines, continuation) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingOldest(bound))
        let work = Task {
            await withDiscardingTaskGroup { group in
                for source in sources {
                    group.addTask {
                        await source {
                            guard !Task.isCancelled else { return }
                            if case .dropped = continuation.yield($0) { continuation.finish() }
                        }
                        continuation.finish()
                    }
                }
            }
        }
        continuation.onTermination = { _ in work.cancel() }
        return ByteStream(lines, cancel: { work.cancel() })
    }
}
