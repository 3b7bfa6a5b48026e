extension SQLiteStore {
    /// The newest revision of the store in a directory, read beside whoever has it open; nil where there is none. Blocks.
    package static func lastRevision(in directory: String) throws(StoreError) -> Revision? {
        guard SQLiteFile.exists(in: directory) else { return nil }
        let file = try SQLiteFile.openForReading(directory)
        let revision = try file.lastRevision()
        try file.close()
        return revision
    }
}

extension SQLiteFile {
    /// The newest revision that was given out: that of the last row, or of a compaction that left none behind it.
    fileprivate func lastRevision() throws(StoreError) -> Revision {
        try run("read the revision") { connection in
            let last = try connection.integer("SELECT max(revision) FROM log") ?? 0
            let compacted = try connection.integer("SELECT value FROM meta WHERE name = 'compacted'") ?? 0
            return max(last, compacted)
        }
    }
}
