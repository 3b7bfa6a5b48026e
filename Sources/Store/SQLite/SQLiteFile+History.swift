import Foundation
import GRDB

extension SQLiteFile {
    /// Bytes of values after which a page of events ends.
    private static let pageBytes = 4 << 20

    func events(prefix: String, after: Revision, upTo: Revision, limit: Int) throws(StoreError)
        -> (events: [StoreEvent], through: Revision)
    {
        try read("read events") { database in
            let statement = try database.cachedStatement(
                sql: """
                    SELECT log.revision, log.kind, log.created, log.previous, log.key, log.value, old.value
                    FROM log LEFT JOIN log AS old ON old.revision = log.previous
                    WHERE log.revision > ? AND log.revision <= ? AND substr(log.key, 1, ?) = ?
                    ORDER BY log.revision LIMIT ?
                    """)
            let start = Data(prefix.utf8)
            let rows = try Row.fetchCursor(statement, arguments: [after, upTo, start.count, start, limit])
            var events: [StoreEvent] = []
            var size = 0
            while size < Self.pageBytes, let row = try rows.next() {
                var record = try record(row)
                record.previousBytes = try bytes(row, 6)
                size += record.bytes.count + record.previousBytes.count
                events.append(record.event)
            }
            let complete = events.count < limit && size < Self.pageBytes
            return (events, complete ? upTo : events.last?.revision ?? upTo)
        }
    }

    func changes(prefix: String, after: Revision, upTo: Revision) throws(StoreError) -> [KeyChange] {
        try read("read changes") { database in
            let statement = try database.cachedStatement(
                sql: """
                    SELECT key, previous FROM log
                    WHERE revision > ? AND revision <= ? AND substr(key, 1, ?) = ? ORDER BY revision
                    """)
            let start = Data(prefix.utf8)
            let rows = try Row.fetchCursor(statement, arguments: [after, upTo, start.count, start])
            var changes: [KeyChange] = []
            while let row = try rows.next() {
                let key = String(decoding: try bytes(row, 0), as: UTF8.self)
                changes.append(KeyChange(key: key, previous: try integer(row, 1)))
            }
            return changes
        }
    }

    func values(at revisions: [Revision]) throws(StoreError) -> [Revision: StoredValue] {
        try read("read versions") { database in
            let statement = try database.cachedStatement(
                sql: "SELECT revision, kind, created, previous, key, value FROM log WHERE revision = ?")
            var values: [Revision: StoredValue] = [:]
            for revision in revisions {
                guard let row = try Row.fetchOne(statement, arguments: [revision]) else { continue }
                values[revision] = try record(row).value
            }
            return values
        }
    }
}
