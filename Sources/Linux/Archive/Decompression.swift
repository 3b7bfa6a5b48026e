import CArchive
import Glibc

/// The bytes of a file as they were before gzip or zstd packed them; a file that is not packed gives its bytes as they are. Read once, from
/// the start. Blocks.
package final class Decompression {
    private let archive: OpaquePointer
    private let descriptor: Descriptor
    private let object: String
    private let limit: UInt64
    private let observe: (UnsafeRawBufferPointer) -> Void
    private var isAtEnd = false
    /// Bytes given so far.
    package private(set) var count: UInt64 = 0

    /// - Parameters:
    ///   - limit: more bytes than this are an error: a small file can hold terabytes.
    ///   - observe: sees all bytes in order, for a digest.
    package init(
        _ descriptor: consuming Descriptor, object: String, limit: UInt64,
        observe: @escaping (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws(ArchiveError) {
        guard let archive = archive_read_new() else { throw ArchiveError(object, "out of memory") }
        self.archive = archive
        self.descriptor = descriptor
        self.object = object
        self.limit = limit
        self.observe = observe
        archive_read_support_filter_gzip(archive)
        archive_read_support_filter_zstd(archive)
        archive_read_support_format_raw(archive)
        archive_read_support_format_empty(archive)
        guard archive_read_open_fd(archive, self.descriptor.raw, 256 << 10) == ARCHIVE_OK else { throw failure }
        var entry: OpaquePointer?
        switch archive_read_next_header(archive, &entry) {
        case ARCHIVE_OK, ARCHIVE_WARN: break
        case ARCHIVE_EOF: isAtEnd = true
        default: throw failure
        }
    }

    deinit { archive_read_free(archive) }

    private var failure: ArchiveError { ArchiveError(object, archiveMessage(archive)) }

    /// The next bytes, nil at the end. Valid until the next call.
    package func next() throws(ArchiveError) -> UnsafeRawBufferPointer? {
        guard !isAtEnd else { return nil }
        var buffer: UnsafeRawPointer?
        var size = 0
        var offset: Int64 = 0
        switch archive_read_data_block(archive, &buffer, &size, &offset) {
        case ARCHIVE_OK, ARCHIVE_WARN: break
        case ARCHIVE_EOF:
            isAtEnd = true
            return nil
        default: throw failure
        }
        count += UInt64(size)
        guard count <= limit else {
            throw ArchiveError(object, "it unpacks to more than \(limit >> 20) MiB, which is the limit")
        }
        let bytes = UnsafeRawBufferPointer(start: buffer, count: size)
        observe(bytes)
        return bytes
    }

    /// Reads on to the end, so that the observer has seen all.
    package func drain() throws(ArchiveError) {
        while try next() != nil {}
    }
}

/// What libarchive says of its last failure.
func archiveMessage(_ archive: OpaquePointer) -> String {
    archive_error_string(archive).map { String(cString: $0) } ?? "it cannot be read"
}
