/// What is wrong with an archive or a compressed file, in libarchive's words where they are its own.
package struct ArchiveError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file or the archive that it is about.
    package let object: String
    package let cause: String

    package init(_ object: String, _ cause: String) {
        self.object = object
        self.cause = cause
    }

    package var description: String { "\(object): \(cause)" }
}
