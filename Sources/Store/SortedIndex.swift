/// The newest value of every key, in byte order of the keys.
///
/// A value type: a copy costs nothing until one side changes, so a reader takes a copy under a lock and walks it
/// outside. Sorted chunks of bounded length; look-up is O(log n), a change O(chunk + number of chunks).
struct SortedIndex: Sendable {
    /// Where a value stands: a chunk and a place in it. `end` is one past the last.
    struct Position: Comparable {
        var chunk: Int
        var offset: Int

        static func < (left: Position, right: Position) -> Bool {
            (left.chunk, left.offset) < (right.chunk, right.offset)
        }
    }

    private static let chunkLimit = 128
    /// Never holds an empty chunk.
    private var chunks: [[StoredValue]] = []
    private(set) var count = 0
    var end: Position { Position(chunk: chunks.count, offset: 0) }

    subscript(key: String) -> StoredValue? {
        let position = lowerBound(of: key)
        guard let value = self[position], ByteKey.order(value.key, key) == 0 else { return nil }
        return value
    }

    /// The value at a position, nil at the end.
    subscript(position: Position) -> StoredValue? {
        guard position.chunk < chunks.count else { return nil }
        return chunks[position.chunk][position.offset]
    }

    /// The first position whose key is not before `key`.
    func lowerBound(of key: String) -> Position {
        let chunk = chunkIndex(for: key)
        guard chunk < chunks.count else { return end }
        let low = offsetInChunk(chunk, of: key)
        return low < chunks[chunk].count ? Position(chunk: chunk, offset: low) : Position(chunk: chunk + 1, offset: 0)
    }

    /// The first position after every key that starts with `prefix`.
    func upperBound(ofPrefix prefix: String) -> Position {
        guard let bound = Self.successor(ofPrefix: prefix) else { return end }
        return lowerBound(of: bound)
    }

    func position(after position: Position) -> Position {
        guard position.chunk < chunks.count else { return end }
        let next = position.offset + 1
        return next < chunks[position.chunk].count
            ? Position(chunk: position.chunk, offset: next) : Position(chunk: position.chunk + 1, offset: 0)
    }

    /// How many values stand from one position up to another.
    func distance(from: Position, to: Position) -> Int {
        guard from.chunk < to.chunk else { return from.chunk == to.chunk ? max(0, to.offset - from.offset) : 0 }
        let between = chunks[(from.chunk + 1)..<to.chunk].reduce(0) { $0 + $1.count }
        return chunks[from.chunk].count - from.offset + between + to.offset
    }

    /// Appends up to `limit` values from one position up to another, and returns where it stopped.
    func append(from: Position, to: Position, limit: Int, into values: inout [StoredValue]) -> Position {
        var position = from
        var left = limit
        while left > 0, position.chunk < chunks.count,
            position.chunk < to.chunk || (position.chunk == to.chunk && position.offset < to.offset)
        {
            let stop = position.chunk == to.chunk ? to.offset : chunks[position.chunk].count
            let taken = min(left, stop - position.offset)
            values.append(contentsOf: chunks[position.chunk][position.offset..<(position.offset + taken)])
            left -= taken
            position.offset += taken
            if position.offset == chunks[position.chunk].count {
                position = Position(chunk: position.chunk + 1, offset: 0)
            }
        }
        return position
    }

    mutating func set(_ value: StoredValue) {
        guard !chunks.isEmpty else {
            chunks.append([value])
            count = 1
            return
        }
        let chunk = min(chunkIndex(for: value.key), chunks.count - 1)
        let offset = offsetInChunk(chunk, of: value.key)
        if offset < chunks[chunk].count, ByteKey.order(chunks[chunk][offset].key, value.key) == 0 {
            chunks[chunk][offset] = value
            return
        }
        chunks[chunk].insert(value, at: offset)
        count += 1
        if chunks[chunk].count > Self.chunkLimit { split(chunk, insertedAt: offset) }
    }

    mutating func remove(_ key: String) {
        let position = lowerBound(of: key)
        guard let value = self[position], ByteKey.order(value.key, key) == 0 else { return }
        chunks[position.chunk].remove(at: position.offset)
        count -= 1
        if chunks[position.chunk].isEmpty { chunks.remove(at: position.chunk) }
    }

    /// Keys that only grow (a load in key order) leave full chunks behind, others half full ones.
    private mutating func split(_ chunk: Int, insertedAt offset: Int) {
        let size = chunks[chunk].count
        let cut = offset == size - 1 ? size - 1 : size / 2
        let tail = Array(chunks[chunk][cut...])
        chunks[chunk].removeLast(size - cut)
        chunks.insert(tail, at: chunk + 1)
    }

    /// The chunk that holds the first key not before `key`; the number of chunks where there is none.
    private func chunkIndex(for key: String) -> Int {
        var low = 0
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            guard let last = chunks[middle].last, ByteKey.order(last.key, key) < 0 else {
                high = middle
                continue
            }
            low = middle + 1
        }
        return low
    }

    private func offsetInChunk(_ chunk: Int, of key: String) -> Int {
        var low = 0
        var high = chunks[chunk].count
        while low < high {
            let middle = (low + high) / 2
            if ByteKey.order(chunks[chunk][middle].key, key) < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The least key after all keys with this prefix, nil where none is.
    ///
    /// Walks the scalars from the end, because the successor must itself be a valid string; scalar order and UTF-8
    /// byte order agree.
    private static func successor(ofPrefix prefix: String) -> String? {
        var scalars = Array(prefix.unicodeScalars)
        while let last = scalars.popLast() {
            let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
            guard let scalar = Unicode.Scalar(next) else { continue }
            var bound = String.UnicodeScalarView(scalars)
            bound.append(scalar)
            return String(bound)
        }
        return nil
    }
}
