import Glibc
import Testing

@testable import PodMonitor

@Suite struct TreesAheadTests {
    private func message(_ count: Int) -> InlineDescriptors {
        var descriptors = InlineDescriptors()
        for _ in 0..<count { descriptors.append(open("/dev/null", O_RDONLY | O_CLOEXEC)) }
        return descriptors
    }

    /// Whether nobody has the end that is written to any more.
    private func isClosed(_ readEnd: Int32) -> Bool {
        var byte: UInt8 = 0
        return read(readEnd, &byte, 1) == 0
    }

    @Test func aMessageWithoutAnyLetsGoOfAll() throws {
        var trees = TreesAhead()
        let id = Array("c".utf8)
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        defer { close(ends[0]) }
        var (first, second, none) = (message(2), message(0), message(0))
        second.append(ends[1])
        #expect(trees.take(&first, of: id, limit: 3) && trees.take(&second, of: id, limit: 3))
        #expect(trees.numbers(of: id, count: 3)?.count == 3)
        #expect(!isClosed(ends[0]))
        #expect(trees.take(&none, of: id, limit: 3) && trees.trees.numbers.isEmpty)
        #expect(trees.numbers(of: id, count: 3) == nil && isClosed(ends[0]))
    }

    @Test func thoseOfAnotherContainerAndTooManyAreNotKept() {
        var trees = TreesAhead()
        let (one, other) = (Array("c".utf8), Array("d".utf8))
        var (first, second, third) = (message(2), message(1), message(3))
        #expect(trees.take(&first, of: one, limit: 3) && trees.take(&second, of: other, limit: 3))
        #expect(trees.numbers(of: other, count: 1)?.count == 1 && trees.numbers(of: one, count: 2) == nil)
        #expect(!trees.take(&third, of: other, limit: 3) && trees.trees.numbers.isEmpty)
    }
}
