import CArchive
import Glibc

/// Reads a tar archive (ustar, pax, GNU with long names and sparse files) member by member out of decompressed bytes. Blocks.
package final class TarReader {
    /// What libarchive's callback is given.
    private final class Feed {
        let source: Decompression
        var failure: ArchiveError?

        init(_ source: Decompression) { self.source = source }
    }

    private let archive: OpaquePointer
    private let feed: Feed
    private let object: String

    package init(_ source: Decompression, object: String) throws(ArchiveError) {
        guard let archive = archive_read_new() else { throw ArchiveError(object, "out of memory") }
        self.archive = archive
        self.object = object
        feed = Feed(source)
        archive_read_support_format_tar(archive)
        archive_read_support_format_empty(archive)
        let code = archive_read_open(
            archive, Unmanaged.passUnretained(feed).toOpaque(), nil,
            { _, context, buffer in
                guard let context, let buffer else { return Int(ARCHIVE_FATAL) }
                return TarReader.fill(Unmanaged<Feed>.fromOpaque(context).takeUnretainedValue(), buffer)
            }, nil)
        guard code == ARCHIVE_OK else { throw failure }
    }

    deinit { archive_read_free(archive) }

    private static func fill(_ feed: Feed, _ buffer: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        do throws(ArchiveError) {
            let bytes = try feed.source.next()
            buffer.pointee = bytes?.baseAddress
            return bytes?.count ?? 0
        } catch {
            feed.failure = error
            return Int(ARCHIVE_FATAL)
        }
    }

    private var failure: ArchiveError { feed.failure ?? ArchiveError(object, archiveMessage(archive)) }

    /// The next member, nil at the archive's end. What of the last one's content was not read is passed over.
    package func next() throws(ArchiveError) -> TarEntry? {
        var pointer: OpaquePointer?
        switch archive_read_next_header(archive, &pointer) {
        // A warning is a name outside ASCII, which comes through byte for byte, or a keyword that is not known.
        case ARCHIVE_OK, ARCHIVE_WARN: break
        case ARCHIVE_EOF: return nil
        default: throw failure
        }
        guard let pointer, let bytes = archive_entry_pathname(pointer) else {
            throw ArchiveError(object, "a member has no name")
        }
        let path = FilePath(cString: bytes)
        guard let owner = UInt32(exactly: archive_entry_uid(pointer)), owner != .max,
            let group = UInt32(exactly: archive_entry_gid(pointer)), group != .max
        else { throw ArchiveError(object, "member \"\(path)\": its owner is no user of Linux") }
        return TarEntry(
            path, try kind(pointer, path), mode: archive_entry_mode(pointer) & 0o7777, owner: owner, group: group,
            size: UInt64(clamping: archive_entry_size(pointer)),
            modified: timespec(
                tv_sec: archive_entry_mtime(pointer),
                tv_nsec: min(max(0, Int(archive_entry_mtime_nsec(pointer))), 999_999_999)),
            device: archive_entry_rdev(pointer), attributes: attributes(pointer))
    }

    private func kind(_ entry: OpaquePointer, _ path: FilePath) throws(ArchiveError) -> TarEntry.Kind {
        if let target = archive_entry_hardlink(entry) {
            return .hardLink(FilePath(cString: target))
        }
        switch archive_entry_filetype(entry) {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        case S_IFLNK:
            guard let target = archive_entry_symlink(entry) else {
                throw ArchiveError(object, "member \"\(path)\": a link without a target")
            }
            return .symbolicLink(FilePath(cString: target))
        case S_IFCHR: return .characterDevice
        case S_IFBLK: return .blockDevice
        case S_IFIFO: return .pipe
        default: return .other
        }
    }

    private func attributes(_ entry: OpaquePointer) -> [TarEntry.Attribute] {
        var result: [TarEntry.Attribute] = []
        archive_entry_xattr_reset(entry)
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK {
            guard let name else { continue }
            let bytes = UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : size)
            result.append(TarEntry.Attribute(FilePath(cString: name), Array(bytes)))
        }
        return result.sorted { $0.name < $1.name }
    }

    /// Hands on the content of the last member, in pieces with their offset; what lies between the pieces is zero.
    package func content<Failure: Error>(
        _ take: (UInt64, UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) -> ArchiveError? {
        while true {
            var buffer: UnsafeRawPointer?
            var size = 0
            var offset: Int64 = 0
            switch archive_read_data_block(archive, &buffer, &size, &offset) {
            case ARCHIVE_OK, ARCHIVE_WARN:
                if size > 0 { try take(UInt64(clamping: offset), UnsafeRawBufferPointer(start: buffer, count: size)) }
            case ARCHIVE_EOF: return nil
            default: return failure
            }
        }
    }
}
