import Glibc

/// Keys too long for a string's inline form that Kubernetes objects repeat: all objects in memory share one copy of each.
struct KeyTable: Sendable {
    private let slots: [String?]
    private let mask: Int

    init(_ keys: [String]) {
        var size = 16
        while size < keys.count * 4 { size *= 2 }
        var slots: [String?] = Array(repeating: nil, count: size)
        for key in keys where key.utf8.count > 15 {
            var index = Array(key.utf8).withUnsafeBufferPointer(Self.hash) & (size - 1)
            while slots[index] != nil { index = (index + 1) & (size - 1) }
            slots[index] = key
        }
        self.slots = slots
        mask = size - 1
    }

    /// nil where the key is not in the table. `bytes` must not be empty.
    func key(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        var index = Self.hash(bytes) & mask
        while let candidate = slots[index] {
            if Self.isEqual(candidate, bytes) { return candidate }
            index = (index + 1) & mask
        }
        return nil
    }

    private static func isEqual(_ candidate: String, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let result = candidate.utf8.withContiguousStorageIfAvailable { known in
            guard known.count == bytes.count, let left = known.baseAddress, let right = bytes.baseAddress else {
                return false
            }
            return memcmp(left, right, known.count) == 0
        }
        return result ?? candidate.utf8.elementsEqual(bytes)
    }

    /// Keys of this length differ in these places nearly always.
    private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        let count = bytes.count
        var hash = UInt32(truncatingIfNeeded: count)
        for place in [0, count / 4, count / 2, count * 3 / 4, count - 1] {
            hash = hash &* 31 &+ UInt32(bytes[place])
        }
        return Int(hash ^ hash >> 15)
    }
}
