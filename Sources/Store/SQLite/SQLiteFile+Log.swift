extension SQLiteFile {
    /// What a store starts from.
    struct Loaded {
        var latest: LatestState
        /// Compaction has looked at all rows up to this one.
        var purged: Revision
    }

    /// Reads the newest state: every row once, in revision order.
    func load() throws(StoreError) -> Loaded {
        try run("load") { connection in
            var latest = LatestState()
            let rows = "SELECT revision, kind, created, previous, key, value FROM log ORDER BY revision"
            try connection.statement(rows).each { row in
                latest.apply(try record(row))
                return true
            }
            latest.compacted = try meta(connection, "compacted")
            // A compacted deletion leaves no row; its revision must not be given out again.
            latest.revision = max(latest.revision, latest.compacted)
            return Loaded(latest: latest, purged: try meta(connection, "purged"))
        }
    }

    /// Appends a batch in one transaction: all or nothing, durable on return.
    func append(_ records: [LogRecord], reach: (StorePoint) throws -> Void) throws(StoreError) {
        try run("commit") { connection in
            try connection.transaction {
                let insert = try connection.statement("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)")
                for record in records {
                    try insert.run(
                        .integer(record.revision), .integer(record.kind.code), .integer(record.createRevision),
                        .integer(record.previous), .bytes(Array(record.key.utf8)), .bytes(record.bytes))
                }
                try reach(.batchInserted)
            }
            try reach(.batchCommitted)
        }
    }

    /// One bounded step of a compaction, durable on return: looks at up to `limit` rows after `purged`, deletes what
    /// they replaced and, where they are deletions, themselves. Returns how far it came.
    func compact(to target: Revision, purged: Revision, limit: Int, reach: (StorePoint) throws -> Void)
        throws(StoreError) -> Revision
    {
        try run("compact") { connection in
            var through = target
            try connection.transaction {
                let step = try deletions(connection, after: purged, upTo: target, limit: limit)
                let delete = try connection.statement("DELETE FROM log WHERE revision = ?")
                for revision in step.revisions { try delete.run(.integer(revision)) }
                through = step.through
                let update = try connection.statement("UPDATE meta SET value = ? WHERE name = ?")
                try update.run(.integer(target), .text("compacted"))
                try update.run(.integer(through), .text("purged"))
                try reach(.compactionDeleted)
            }
            try reach(.compactionCommitted)
            return through
        }
    }

    /// Rows that the newest state and what is after `upTo` do not need, among `limit` rows, and the last row looked at.
    private func deletions(_ connection: SQLiteConnection, after: Revision, upTo: Revision, limit: Int) throws
        -> (revisions: [Revision], through: Revision)
    {
        var revisions: [Revision] = []
        var count = 0
        var last = after
        let rows = try connection.statement(
            "SELECT revision, kind, previous FROM log WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT ?")
        try rows.each(.integer(after), .integer(upTo), .integer(Int64(limit))) { row in
            last = try integer(row, 0)
            let previous = try integer(row, 2)
            if previous != 0 { revisions.append(previous) }
            if try integer(row, 1) == StoreEvent.Kind.deleted.code { revisions.append(last) }
            count += 1
            return true
        }
        return (revisions, count == limit ? last : upTo)
    }

    /// Gives up to `pages` free pages back to the file system while more than an eighth of the file, and a megabyte,
    /// is free. False once there is nothing to give.
    func shrink(pages: Int) throws(StoreError) -> Bool {
        try run("shrink") { connection in
            let free = try connection.integer("PRAGMA freelist_count") ?? 0
            let total = try connection.integer("PRAGMA page_count") ?? 0
            guard free > max(256, total / 8) else { return false }
            try connection.execute("PRAGMA incremental_vacuum(\(pages))")
            return true
        }
    }

    private func meta(_ connection: SQLiteConnection, _ name: String) throws -> Revision {
        let select = try connection.statement("SELECT value FROM meta WHERE name = ?")
        guard let value = try select.first(.text(name), body: { $0.integer(0) }) ?? nil else {
            throw Self.damaged(directory, "meta has no row \(name)")
        }
        return value
    }

    /// The record in columns revision, kind, created, previous, key, value; without the previous value.
    func record(_ row: SQLiteRow) throws -> LogRecord {
        let revision = try integer(row, 0)
        let previous = try integer(row, 3)
        let created = try integer(row, 2)
        guard let kind = StoreEvent.Kind(code: try integer(row, 1)), revision > 0, previous >= 0, previous < revision,
            created > 0, created <= revision
        else { throw Self.damaged(directory, "row \(revision) contradicts itself") }
        guard let key = String(validating: row.bytes(4), as: UTF8.self) else {
            throw Self.damaged(directory, "the key of row \(revision) is not UTF-8")
        }
        return LogRecord(
            kind: kind, revision: revision, key: key, bytes: row.bytes(5), createRevision: created,
            previous: previous, previousBytes: [])
    }

    func integer(_ row: SQLiteRow, _ column: Int32) throws -> Int64 {
        guard let value = row.integer(column) else {
            throw Self.damaged(directory, "column \(column) of a row is not a number")
        }
        return value
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
