import CSQLite
import Glibc

/// A call that SQLite refused: its extended result code, and its own words.
struct SQLiteError: Error {
    let code: Int32
    let message: String
    /// The errno value of the call beneath; 0 where there was none.
    let systemCode: Int32

    /// The file is not a database, or no longer a whole one.
    var isDamage: Bool { [SQLITE_CORRUPT, SQLITE_NOTADB].contains(code & 0xFF) }

    /// Why the disk took nothing, where that is all that happened: SQLite has taken the transaction back. A sync that failed is another matter, for
    /// nobody knows what became of what was written before it.
    var refusal: DiskRefusal? {
        guard code & 0xFF != SQLITE_FULL else { return .full }
        guard code & 0xFF != SQLITE_READONLY else { return .readOnly }
        guard code & 0xFF == SQLITE_IOERR, ![Self.syncFailed, Self.directorySyncFailed].contains(code) else {
            return nil
        }
        return switch systemCode {
        case ENOSPC, EDQUOT: .full
        case EROFS: .readOnly
        default: nil
        }
    }

    /// `SQLITE_IOERR_FSYNC` and `SQLITE_IOERR_DIR_FSYNC`, which are macros of an expression.
    private static let syncFailed = SQLITE_IOERR | 4 << 8
    private static let directorySyncFailed = SQLITE_IOERR | 5 << 8

    init(code: Int32, message: String, systemCode: Int32 = 0) {
        self.code = code
        self.message = message
        self.systemCode = systemCode
    }
}

/// One connection to a database file. Used by one thread at a time, which SQLite is told so that it takes no locks of its own.
final class SQLiteConnection {
    private var handle: OpaquePointer?
    /// Statements by their text; there are as many as the store has texts.
    private var statements: [String: SQLiteStatement] = [:]

    /// Opens a file that exists. A lock held by another connection is waited for, up to 10 s.
    init(path: String, isReadOnly: Bool) throws(SQLiteError) {
        let access = isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE
        let code = sqlite3_open_v2(path, &handle, access | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, handle != nil else {
            let error = SQLiteError(code: code, message: handle.map(Self.message) ?? "no memory")
            sqlite3_close_v2(handle)
            throw error
        }
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 10_000)
    }

    deinit {
        try? close()
    }

    /// Runs statements that answer nothing that is looked at.
    func execute(_ sql: String) throws(SQLiteError) {
        try check(sqlite3_exec(try open(), sql, nil, nil, nil))
    }

    /// A compiled statement, kept for the next time. It must not be in use.
    func statement(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
        if let known = statements[sql] { return known }
        var compiled: OpaquePointer?
        try check(sqlite3_prepare_v3(try open(), sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &compiled, nil))
        guard let compiled else { throw SQLiteError(code: SQLITE_MISUSE, message: "an empty statement") }
        let statement = SQLiteStatement(compiled)
        statements[sql] = statement
        return statement
    }

    /// The first column of the first row as a number; nil where there is no row or it is none.
    func integer(_ sql: String) throws -> Int64? {
        try statement(sql).first { $0.integer(0) } ?? nil
    }

    /// All or nothing: what `body` did is committed, and durable as `PRAGMA synchronous` says; taken back where it throws.
    func transaction(_ body: () throws -> Void) throws {
        try execute("BEGIN IMMEDIATE")
        do {
            try body()
            try execute("COMMIT")
        } catch {
            // After some errors SQLite has rolled back by itself, and refuses.
            try? execute("ROLLBACK")
            throw error
        }
    }

    /// Idempotent; statements are gone with it.
    func close() throws(SQLiteError) {
        statements.removeAll()
        guard let handle else { return }
        self.handle = nil
        let code = sqlite3_close_v2(handle)
        guard code == SQLITE_OK else { throw SQLiteError(code: code, message: String(cString: sqlite3_errstr(code))) }
    }

    private func open() throws(SQLiteError) -> OpaquePointer {
        guard let handle else { throw SQLiteError(code: SQLITE_MISUSE, message: "the connection is closed") }
        return handle
    }

    private func check(_ code: Int32) throws(SQLiteError) {
        guard code != SQLITE_OK else { return }
        throw SQLiteError(
            code: code, message: handle.map(Self.message) ?? String(cString: sqlite3_errstr(code)),
            systemCode: handle.map(sqlite3_system_errno) ?? 0)
    }

    private static func message(_ handle: OpaquePointer) -> String {
        String(cString: sqlite3_errmsg(handle))
    }
}
