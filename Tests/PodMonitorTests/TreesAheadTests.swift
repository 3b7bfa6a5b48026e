import Glibc
import Testing

@testable import PodMonitor

@Suite struct TreesAheadTests {
    private func message(_ count: Int) -> InlineDescriptors {
        var descriptors = InlineDescriptors()
        for _ in 0..<count { descriptors.append(open("/dev/null", O_RDONLY | O_CLOEXEC)) }
        return descriptors
    }

    @Test func aMessageWithoutAnyLetsGoOfAll() {
        var trees = TreesAhead()
        let id = Array("c".utf8)
        var (first, second, none) = (message(2), message(1), message(0))
        #expect(trees.take(&first, of: id, limit: 3) && trees.take(&second, of: id, limit: 3))
        #expect(trees.numbers(of: id, count: 3)?.count == 3)
        let kept = trees.trees.numbers
        #expect(trees.take(&none, of: id, limit: 3) && trees.trees.numbers.isEmpty)
        #expect(kept.count == 3 && trees.numbers(of: id, count: 3) == nil)
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
