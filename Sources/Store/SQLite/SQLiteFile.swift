import Foundation
import GRDB
import Glibc

/// One connection to the database file of a store. Used by one thread.
///
/// The file: `log` has one row a revision, `meta` the progress of compaction. There is no index over keys: the newest
/// state is in memory, and each row names the row it replaced.
struct SQLiteFile {
    /// "SWLT", in the header of every file that is ours.
    static let applicationID: Int64 = 0x5357_4C54
    static let schemaVersion: Int64 = 1

    let directory: String
    let queue: DatabaseQueue

    static func path(in directory: String) -> String {
        directory + "/state.db"
    }

    /// Opens the file for writing, and makes it where there is none.
    static func openForWriting(_ directory: String) throws(StoreError) -> SQLiteFile {
        try create(path(in: directory))
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { try checkVersion($0, directory) }
        let settings = configuration
        let queue = try translating("open", directory) {
            try DatabaseQueue(path: path(in: directory), configuration: settings)
        }
        let file = SQLiteFile(directory: directory, queue: queue)
        try file.run("set up") { try setUp($0) }
        return file
    }

    /// Opens the file for reading the history, beside its writer.
    static func openForReading(_ directory: String) throws(StoreError) -> SQLiteFile {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA cache_size = -512") }
        let settings = configuration
        let queue = try translating("open for reading", directory) {
            try DatabaseQueue(path: path(in: directory), configuration: settings)
        }
        return SQLiteFile(directory: directory, queue: queue)
    }

    func run<Answer>(_ operation: String, _ body: (Database) throws -> Answer) throws(StoreError) -> Answer {
        try Self.translating(operation, directory) { try queue.writeWithoutTransaction(body) }
    }

    func read<Answer>(_ operation: String, _ body: (Database) throws -> Answer) throws(StoreError) -> Answer {
        try Self.translating(operation, directory) { try queue.read(body) }
    }

    /// Moves the log into the database file and makes both durable, so that what was read is what stays.
    func checkpoint() throws(StoreError) {
        try run("checkpoint") { database in
            let busy = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
                .flatMap { Int64.fromDatabaseValue($0[0]) }
            guard busy == 0 else { throw DatabaseError(resultCode: .SQLITE_BUSY, message: "the log is being read") }
        }
    }

    func close() throws(StoreError) {
        try Self.translating("close", directory) { try queue.close() }
    }

    /// Values hold secrets: the file is the owner's alone, and SQLite gives its companions the same mode.
    private static func create(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .io(operation: "open \(path)", message: DirectoryLock.reason(errno))
        }
        Glibc.close(descriptor)
    }

    /// Runs before anything is written, so that a file of someone else stays as it is.
    private static func checkVersion(_ database: Database, _ directory: String) throws {
        guard try Int64.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") != 0 else {
            // Takes effect only in a file without tables, and before the journal mode is set.
            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            return
        }
        let application = try Int64.fetchOne(database, sql: "PRAGMA application_id")
        let version = try Int64.fetchOne(database, sql: "PRAGMA user_version")
        guard application == applicationID else {
            throw StoreError.incompatible(
                "\(path(in: directory)) is not a Swiftlet store; move it away, or start with another data directory")
        }
        guard version == schemaVersion else {
            throw StoreError.incompatible(
                "the data directory \(directory) has format \(version ?? 0), this program reads \(schemaVersion); "
                    + "start the version that wrote it, or start with another data directory")
        }
    }

    private static func setUp(_ database: Database) throws {
        // Opening for write-ahead logging left NORMAL, which loses acknowledged writes when the power goes.
        try database.execute(sql: "PRAGMA synchronous = FULL")
        guard try Int64.fetchOne(database, sql: "PRAGMA synchronous") == 2 else {
            throw DatabaseError(message: "PRAGMA synchronous = FULL did not take effect")
        }
        try database.execute(
            sql: "PRAGMA cache_size = -2048; PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY")
        guard try Int64.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0 else { return }
        try database.inTransaction(.immediate) {
            try database.execute(
                sql: """
                    CREATE TABLE log (
                        revision INTEGER PRIMARY KEY, kind INTEGER NOT NULL, created INTEGER NOT NULL,
                        previous INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL) STRICT;
                    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
                    INSERT INTO meta VALUES ('compacted', 0), ('purged', 0);
                    PRAGMA application_id = \(applicationID);
                    PRAGMA user_version = \(schemaVersion);
                    """)
            return .commit
        }
    }

    private static func translating<Answer>(_ operation: String, _ directory: String, _ body: () throws -> Answer)
        throws(StoreError) -> Answer
    {
        do {
            return try body()
        } catch let error as StoreError {
            throw error
        } catch let error as DatabaseError {
            throw translate(error, operation, directory)
        } catch {
            throw .io(operation: operation, message: "\(directory): \(error)")
        }
    }

    private static func translate(_ error: DatabaseError, _ operation: String, _ directory: String) -> StoreError {
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: damaged(directory, error.message ?? "\(error.resultCode)")
        default:
            .io(
                operation: operation,
                message: "\(directory): \(error.message ?? "no message") (SQLite \(error.extendedResultCode.rawValue))")
        }
    }

    static func damaged(_ directory: String, _ detail: String) -> StoreError {
        .incompatible(
            "the store in \(directory) is damaged (\(detail)); restore a copy of the directory, "
                + "or move it away to start empty")
    }
}
