import Glibc
import Linux

/// The highest revision of the store that the doctor has seen, kept beside the store: a copy that is put back is then seen to be older.
struct RevisionMark: Sendable {
    static let name = "revision-seen"

    private let path: String

    init(_ configuration: DaemonConfiguration) {
        path = "\(configuration.dataDirectory)/\(Self.name)"
    }

    /// Nil where nothing was seen yet.
    var revision: Int64? { Machine.readLine(path).flatMap { Int64($0) } }

    func set(_ revision: Int64) throws(DaemonError) {
        let path = path
        try DaemonError.wrapping("the revision seen") { () throws(KernelError) in
            try WholeFile.replace(path, with: Array("\(revision)\n".utf8), durable: true)
        }
    }
}
