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
    private let connection: SQLiteConnection

    static func path(in directory: String) -> String {
        directory + "/state.db"
    }

    static func exists(in directory: String) -> Bool {
        access(path(in: directory), F_OK) == 0
    }

    /// Opens the file for writing, and makes it where there is none.
    static func openForWriting(_ directory: String) throws(StoreError) -> SQLiteFile {
        try create(path(in: directory))
        return try translating("open", directory) {
            let connection = try SQLiteConnection(path: path(in: directory), isReadOnly: false)
            try checkVersion(connection, directory)
            try setUp(connection)
            return SQLiteFile(directory: directory, connection: connection)
        }
    }

    /// Opens the file for reading the history, beside its writer.
    static func openForReading(_ directory: String) throws(StoreError) -> SQLiteFile {
        try translating("open for reading", directory) {
            let connection = try SQLiteConnection(path: path(in: directory), isReadOnly: true)
            try connection.execute("PRAGMA cache_size = -512")
            return SQLiteFile(directory: directory, connection: connection)
        }
    }

    func run<Answer>(_ operation: String, _ body: (SQLiteConnection) throws -> Answer) throws(StoreError) -> Answer {
        try Self.translating(operation, directory) { try body(connection) }
    }

    /// Moves the log into the database file and makes both durable, so that what was read is what stays.
    func checkpoint() throws(StoreError) {
        try run("checkpoint") { connection in
            guard try connection.integer("PRAGMA wal_checkpoint(TRUNCATE)") == 0 else {
                throw StoreError.io(operation: "checkpoint", message: "\(directory): the log is being read")
            }
        }
    }

    func close() throws(StoreError) {
        try run("close") { try $0.close() }
    }

    /// Values hold secrets: the file is the owner's alone, and SQLite gives its companions the same mode.
    private static func create(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            if errno == EROFS { throw .refused(.readOnly, directory: path) }
            throw .io(operation: "open \(path)", message: DirectoryLock.reason(errno))
        }
        Glibc.close(descriptor)
    }

    /// Runs before anything is written, so that a file of someone else stays as it is.
    private static func checkVersion(_ connection: SQLiteConnection, _ directory: String) throws {
        guard try connection.integer("SELECT count(*) FROM sqlite_schema") != 0 else { return }
        let application = try connection.integer("PRAGMA application_id")
        let version = try connection.integer("PRAGMA user_version")
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

    private static func setUp(_ connection: SQLiteConnection) throws {
        let isNew = try connection.integer("SELECT count(*) FROM sqlite_schema") == 0
        // Takes effect only in a file without tables, and before the journal mode is set.
        if isNew { try connection.execute("PRAGMA auto_vacuum = INCREMENTAL") }
        // Write-ahead logging with FULL: NORMAL would lose acknowledged writes when the power goes.
        try connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        guard try connection.integer("PRAGMA synchronous") == 2 else {
            throw SQLiteError(code: 0, message: "PRAGMA synchronous = FULL did not take effect")
        }
        try connection.execute(
            "PRAGMA cache_size = -2048; PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY")
        guard isNew else { return }
        try connection.transaction {
            try connection.execute(
                """
                CREATE TABLE log (
                    revision INTEGER PRIMARY KEY, kind INTEGER NOT NULL, created INTEGER NOT NULL,
                    previous INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL) STRICT;
                CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
                INSERT INTO meta VALUES ('compacted', 0), ('purged', 0);
                PRAGMA application_id = \(applicationID);
                PRAGMA user_version = \(schemaVersion);
                """)
        }
    }

    private static func translating<Answer>(_ operation: String, _ directory: String, _ body: () throws -> Answer)
        throws(StoreError) -> Answer
    {
        do {
            return try body()
        } catch let error as StoreError {
            throw error
        } catch let error as SQLiteError {
            if error.isDamage { throw damaged(directory, error.message) }
            if let refusal = error.refusal { throw .refused(refusal, directory: directory) }
            throw .io(operation: operation, message: "\(directory): \(error.message) (SQLite \(error.code))")
        } catch {
            throw .io(operation: operation, message: "\(directory): \(error)")
        }
    }

    static func damaged(_ directory: String, _ detail: String) -> StoreError {
        .incompatible(
            "the store in \(directory) is damaged (\(detail)); restore a copy of the directory, "
                + "or move it away to start empty")
    }
}
