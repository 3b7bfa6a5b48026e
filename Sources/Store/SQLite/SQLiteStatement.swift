import CSQLite

/// What a statement's parameter is bound to.
enum SQLiteValue {
    case integer(Int64)
    case text(String)
    case bytes([UInt8])
}

/// One compiled statement of a connection.
final class SQLiteStatement {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        sqlite3_finalize(handle)
    }

    /// Runs a statement that answers no rows.
    func run(_ values: SQLiteValue...) throws {
        try visit(values) { _ in true }
    }

    /// What `body` makes of the first row; nil where there is none.
    func first<Answer>(_ values: SQLiteValue..., body: (SQLiteRow) throws -> Answer) throws -> Answer? {
        var answer: Answer?
        try visit(values) { row in
            answer = try body(row)
            return false
        }
        return answer
    }

    /// Shows `body` one row after the other until it answers false. A row is valid only inside it.
    func each(_ values: SQLiteValue..., body: (SQLiteRow) throws -> Bool) throws {
        try visit(values, body)
    }

    private func visit(_ values: [SQLiteValue], _ body: (SQLiteRow) throws -> Bool) throws {
        // A failed step says its error again here; it has been thrown.
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
        }
        for (index, value) in values.enumerated() { try check(bind(value, Int32(index + 1))) }
        while true {
            let code = sqlite3_step(handle)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { return try check(code) }
            guard try body(SQLiteRow(handle)) else { return }
        }
    }

    private func bind(_ value: SQLiteValue, _ index: Int32) -> Int32 {
        switch value {
        case .integer(let number): sqlite3_bind_int64(handle, index, number)
        case .text(let text): swiftlet_sqlite_bind_text(handle, index, text)
        case .bytes(let bytes):
            bytes.withUnsafeBytes {
                swiftlet_sqlite_bind_bytes(handle, index, $0.baseAddress, UInt64($0.count))
            }
        }
    }

    private func check(_ code: Int32) throws(SQLiteError) {
        guard code != SQLITE_OK else { return }
        let connection = sqlite3_db_handle(handle)
        throw SQLiteError(
            code: code, message: String(cString: sqlite3_errmsg(connection)),
            systemCode: sqlite3_system_errno(connection))
    }
}

/// The row that a statement stands on.
struct SQLiteRow {
    private let handle: OpaquePointer

    fileprivate init(_ handle: OpaquePointer) {
        self.handle = handle
    }

    /// Nil where the column is no number.
    func integer(_ column: Int32) -> Int64? {
        sqlite3_column_type(handle, column) == SQLITE_INTEGER ? sqlite3_column_int64(handle, column) : nil
    }

    /// Empty for NULL.
    func bytes(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }
}
