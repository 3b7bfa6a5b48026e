import Linux
import Testing

@Suite struct FilePathTests {
    private let latin = FilePath(bytes: [0x63, 0xe9])

    @Test func bytesAreCompared() {
        #expect(FilePath("\u{e9}") != FilePath("e\u{301}") && FilePath("a") == FilePath(bytes: [97]))
        #expect(Set<FilePath>(["\u{e9}", "e\u{301}", "\u{e9}"]).count == 2)
        #expect([latin, "b", "\u{e9}", "Z", ""].sorted() == ["", "Z", "b", latin, "\u{e9}"])
        #expect(latin.bytes == [0x63, 0xe9] && latin.count == 2 && latin.description == "c\u{fffd}")
        #expect(!latin.isText && FilePath("\u{e9}").isText)
        #expect(latin.starts(with: "c") && !latin.starts(with: "ce") && latin.starts(with: ""))
        #expect(latin.dropFirst(1).bytes == [0xe9] && FilePath("a\u{0}/b") == "a")
    }

    /// A combining mark behind a slash makes no other letter of it.
    @Test func componentsStandBetweenSlashes() {
        let path = FilePath("/\u{301}a//./") / latin
        #expect(path.components == ["\u{301}a", ".", latin] && path.namedComponents == ["\u{301}a", latin])
        #expect(path.isAbsolute && !latin.isAbsolute && path.parent == "/\u{301}a//./" && latin.parent == nil)
        #expect(FilePath([latin, "x"]) == latin / "x" && FilePath([FilePath]()) == ".")
        #expect(FilePath(["", latin, ""]) == latin && FilePath(["", ""]) == "." && "" / latin == latin)
        #expect(FilePath(bytes: [97, 0, 98]) == "a" && FilePath(bytes: [0]).components.isEmpty)
        #expect(FilePath("..").isDots && FilePath(".").isDots && !FilePath("...").isDots)
        #expect(FilePath("/r/\u{301}").isBeneath("/r") && !FilePath("/r").isBeneath("/r"))
        #expect(!FilePath("/run").isBeneath("/r") && !FilePath("/r/").isBeneath("/r"))
    }
}
