import Foundation
import GRDB

extension SQLiteFile {
    /// What a store starts from.
    struct Loaded {
        var latest: LatestState
        /// Compaction has looked at all rows up to this one.
        var purged: Revision
    }

    /// Reads the newest state: every row once, in revision order.
    func load() throws(StoreError) -> Loaded {
        try read("load") { database in
            var latest = LatestState()
            let rows = try Row.fetchCursor(
                database, sql: "SELECT revision, kind, created, previous, key, value FROM log ORDER BY revision")
            while let row = try rows.next() { latest.apply(try record(row)) }
            latest.compacted = try meta(database, "compacted")
            // A compacted deletion leaves no row; its revision must not be given out again.
            latest.revision = max(latest.revision, latest.compacted)
            return Loaded(latest: latest, purged: try meta(database, "purged"))
        }
    }

    /// Appends a batch in one transaction: all or nothing, durable on return.
    func append(_ records: [LogRecord], reach: (StorePoint) throws -> Void) throws(StoreError) {
        try run("commit") { database in
            try database.inTransaction(.immediate) {
                let insert = try database.cachedStatement(sql: "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)")
                for record in records {
                    try insert.execute(arguments: [
                        record.revision, record.kind.code, record.createRevision, record.previous,
                        Data(record.key.utf8), Data(record.bytes),
                    ])
                }
                try reach(.batchInserted)
                return .commit
            }
            try reach(.batchCommitted)
        }
    }

    /// One bounded step of a compaction, durable on return: looks at up to `limit` rows after `purged`, deletes what
    /// they replaced and, where they are deletions, themselves. Returns how far it came.
    func compact(to target: Revision, purged: Revision, limit: Int, reach: (StorePoint) throws -> Void)
        throws(StoreError) -> Revision
    {
        try run("compact") { database in
            var through = target
            try database.inTransaction(.immediate) {
                let rows = try Row.fetchAll(
                    database.cachedStatement(
                        sql: "SELECT revision, kind, previous FROM log WHERE revision > ? AND revision <= ? "
                            + "ORDER BY revision LIMIT ?"), arguments: [purged, target, limit])
                let delete = try database.cachedStatement(sql: "DELETE FROM log WHERE revision = ?")
                for row in rows {
                    let previous = try integer(row, 2)
                    if previous != 0 { try delete.execute(arguments: [previous]) }
                    if try integer(row, 1) == StoreEvent.Kind.deleted.code {
                        try delete.execute(arguments: [try integer(row, 0)])
                    }
                }
                if rows.count == limit, let last = rows.last { through = try integer(last, 0) }
                let update = try database.cachedStatement(sql: "UPDATE meta SET value = ? WHERE name = ?")
                try update.execute(arguments: [target, "compacted"])
                try update.execute(arguments: [through, "purged"])
                try reach(.compactionDeleted)
                return .commit
            }
            try reach(.compactionCommitted)
            return through
        }
    }

    /// Gives up to `pages` free pages back to the file system while more than an eighth of the file, and a megabyte,
    /// is free. False once there is nothing to give.
    func shrink(pages: Int) throws(StoreError) -> Bool {
        try run("shrink") { database in
            let free = try Int64.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            let total = try Int64.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            guard free > max(256, total / 8) else { return false }
            try database.execute(sql: "PRAGMA incremental_vacuum(\(pages))")
            return true
        }
    }

    private func meta(_ database: Database, _ name: String) throws -> Revision {
        guard let value = try Int64.fetchOne(database, sql: "SELECT value FROM meta WHERE name = ?", arguments: [name])
        else { throw Self.damaged(directory, "meta has no row \(name)") }
        return value
    }

    /// The record in columns revision, kind, created, previous, key, value; without the previous value.
    func record(_ row: Row) throws -> LogRecord {
        let revision = try integer(row, 0)
        let previous = try integer(row, 3)
        let created = try integer(row, 2)
        guard let kind = StoreEvent.Kind(code: try integer(row, 1)), revision > 0, previous >= 0, previous < revision,
            created > 0, created <= revision
        else { throw Self.damaged(directory, "row \(revision) contradicts itself") }
        guard let key = String(validating: try bytes(row, 4), as: UTF8.self) else {
            throw Self.damaged(directory, "the key of row \(revision) is not UTF-8")
        }
        return LogRecord(
            kind: kind, revision: revision, key: key, bytes: try bytes(row, 5), createRevision: created,
            previous: previous, previousBytes: [])
    }

    func integer(_ row: Row, _ column: Int) throws -> Int64 {
        guard let value = Int64.fromDatabaseValue(row[column]) else {
            throw Self.damaged(directory, "column \(column) of a row is not a number")
        }
        return value
    }

    /// Empty for NULL.
    func bytes(_ row: Row, _ column: Int) throws -> [UInt8] {
        try row.withUnsafeData(atIndex: column) { $0.map(Array.init) ?? [] }
    }
}

extension StoreEvent.Kind {
    fileprivate var code: Int64 {
        switch self {
        case .created: 0
        case .updated: 1
        case .deleted: 2
        }
    }

    fileprivate init?(code: Int64) {
        switch code {
        case 0: self = .created
        case 1: self = .updated
        case 2: self = .deleted
        default: return nil
        }
    }
}
