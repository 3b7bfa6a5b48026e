import Glibc
import Linux

/// The timelines on disk: one file a pod, kept when the pod is gone. Every call blocks.
///
/// A file that would grow past `fileBytes` keeps steps at both ends, up to a hundred and a quarter of that size each, and says how many were left out
/// between them. Beyond `fileCount` files those that were written to longest ago go.
package struct TimelineDirectory: Sendable {
    package static let fileBytes = 64 << 10
    package static let fileCount = 2_000
    /// Steps that stay at either end of a file that is shortened.
    static let keptSteps = 100

    package let path: String

    package init(_ configuration: DaemonConfiguration) {
        path = "\(configuration.dataDirectory)/timeline"
    }

    init(path: String) {
        self.path = path
    }

    func make() throws(KernelError) {
        try WholeFile.makeDirectories(path, mode: 0o700)
    }

    /// Whose timelines there are; none where the directory is not there.
    package func pods() throws(KernelError) -> [TimelinePod] {
        do throws(KernelError) {
            return try OpenDirectory(path).names().compactMap { TimelinePod(fileName: $0) }
        } catch  where error.code == ENOENT {
            return []
        }
    }

    /// The pods of this name, the one with the latest step first.
    package func pods(named name: PodName) throws(KernelError) -> [TimelinePod] {
        let times = try pods().filter { $0.name == name }.map { ($0, changed($0)) }
        return times.sorted { $0.1 > $1.1 }.map(\.0)
    }

    package func entries(of pod: TimelinePod) throws(KernelError) -> [TimelineEntry] {
        TimelineEntry.entries(in: try WholeFile.read(file(pod), limit: 4 * Self.fileBytes))
    }

    /// Adds steps to a pod's file. Not made durable one by one: a power cut may lose the last seconds.
    func append(_ entries: [TimelineEntry], to pod: TimelinePod) throws(KernelError) {
        let path = file(pod)
        let lines = Array(entries.map(\.line).joined())
        let file = try Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, mode: 0o600)
        var status = stat()
        guard fstat(file.raw, &status) == 0 else { throw KernelError("stat", path) }
        guard Int(status.st_size) + lines.count > Self.fileBytes else {
            guard write(file.raw, lines, lines.count) == lines.count else { throw KernelError("write", path) }
            return
        }
        let shortened = Self.shortened(try before(path) + entries)
        try WholeFile.replace(path, with: Array(shortened.map(\.line).joined()), mode: 0o600, durable: false)
    }

    /// What is in a file; of one that is longer than any of ours, only that it was.
    private func before(_ path: String) throws(KernelError) -> [TimelineEntry] {
        do throws(KernelError) {
            return TimelineEntry.entries(in: try WholeFile.read(path, limit: 4 * Self.fileBytes))
        } catch  where error.code == EFBIG {
            return [TimelineEntry(at: .epoch, step: "timeline.omitted", message: "all steps before left out")]
        }
    }

    /// Beginning and end; between them one entry that says how many steps are missing. Nothing changes where neither count nor size is too much.
    static func shortened(_ entries: [TimelineEntry]) -> [TimelineEntry] {
        let sizes = entries.map(\.line.count)
        guard entries.count > 2 * keptSteps + 1 || sizes.reduce(0, +) > fileBytes else { return entries }
        // What was left out before is counted, not kept.
        let marks = entries.indices.filter { entries[$0].step == "timeline.omitted" }
        let head = min(kept(sizes), entries.count / 2, marks.first ?? .max)
        let tail = min(kept(sizes.reversed()), entries.count - 1 - max(head, marks.last ?? 0))
        let first = entries.prefix(head)
        let last = entries.suffix(tail)
        let between = entries.dropFirst(head).dropLast(tail)
        let missing = between.reduce(0) { $0 + ($1.step == "timeline.omitted" ? count($1) : 1) }
        let mark = TimelineEntry(
            at: last.first?.at ?? .epoch, step: "timeline.omitted", message: "\(missing) steps left out")
        return first + [mark] + last
    }

    /// How many of these steps stay at one end.
    private static func kept(_ sizes: [Int]) -> Int {
        var (count, bytes) = (0, 0)
        for size in sizes.prefix(keptSteps) {
            bytes += size
            guard bytes <= fileBytes / 4 else { break }
            count += 1
        }
        return count
    }

    private static func count(_ mark: TimelineEntry) -> Int {
        mark.message?.split(separator: " ").first.flatMap { Int($0) } ?? 1
    }

    /// Removes the oldest files beyond the limit, and a tenth more, so that this is rare.
    func prune() throws(KernelError) {
        let pods = try pods()
        guard pods.count > Self.fileCount else { return }
        let oldest = pods.map { ($0, changed($0)) }.sorted { $0.1 < $1.1 }
        for (pod, _) in oldest.prefix(pods.count - Self.fileCount * 9 / 10) { unlink(file(pod)) }
    }

    private func file(_ pod: TimelinePod) -> String { "\(path)/\(pod.fileName)" }

    /// Nanoseconds since 1970; 0 where it cannot be known.
    private func changed(_ pod: TimelinePod) -> Int {
        var status = stat()
        guard lstat(file(pod), &status) == 0 else { return 0 }
        return status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
    }
}
