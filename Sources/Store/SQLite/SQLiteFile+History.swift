extension SQLiteFile {
    /// Bytes of values after which a page of events ends.
    private static let pageBytes = 4 << 20

    func events(prefix: String, after: Revision, upTo: Revision, limit: Int) throws(StoreError)
        -> (events: [StoreEvent], through: Revision)
    {
        try run("read events") { connection in
            let rows = try connection.statement(
                """
                SELECT log.revision, log.kind, log.created, log.previous, log.key, log.value, old.value
                FROM log LEFT JOIN log AS old ON old.revision = log.previous
                WHERE log.revision > ? AND log.revision <= ? AND substr(log.key, 1, ?) = ?
                ORDER BY log.revision LIMIT ?
                """)
            let start = Array(prefix.utf8)
            var events: [StoreEvent] = []
            var size = 0
            try rows.each(
                .integer(after), .integer(upTo), .integer(Int64(start.count)), .bytes(start), .integer(Int64(limit))
            ) { row in
                var record = try record(row)
                record.previousBytes = row.bytes(6)
                size += record.bytes.count + record.previousBytes.count
                events.append(record.event)
                return size < Self.pageBytes
            }
            let complete = events.count < limit && size < Self.pageBytes
            return (events, complete ? upTo : events.last?.revision ?? upTo)
        }
    }

    func changes(prefix: String, after: Revision, upTo: Revision) throws(StoreError) -> [KeyChange] {
        try run("read changes") { connection in
            let rows = try connection.statement(
                """
                SELECT key, previous FROM log
                WHERE revision > ? AND revision <= ? AND substr(key, 1, ?) = ? ORDER BY revision
                """)
            let start = Array(prefix.utf8)
            var changes: [KeyChange] = []
            try rows.each(.integer(after), .integer(upTo), .integer(Int64(start.count)), .bytes(start)) { row in
                let key = String(decoding: row.bytes(0), as: UTF8.self)
                changes.append(KeyChange(key: key, previous: try integer(row, 1)))
                return true
            }
            return changes
        }
    }

    func values(at revisions: [Revision]) throws(StoreError) -> [Revision: StoredValue] {
        try run("read versions") { connection in
            let select = try connection.statement(
                "SELECT revision, kind, created, previous, key, value FROM log WHERE revision = ?")
            var values: [Revision: StoredValue] = [:]
            for revision in revisions {
                values[revision] = try select.first(.integer(revision)) { try record($0).value } ?? nil
            }
            return values
        }
    }
}
