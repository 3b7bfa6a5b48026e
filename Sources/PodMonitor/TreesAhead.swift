/// Trees that have come for a container that is about to be created, whose message cannot carry them all. Those of one container are kept at a time, until the next
/// `create` or the end of the connection, and as many as a plan has mounts.
struct TreesAhead {
    private var container: [UInt8] = []
    private(set) var trees = InlineDescriptors()

    /// Takes those of a message, and lets go of all where it has none; false where they are too many, and none is kept then.
    mutating func take(_ fds: inout InlineDescriptors, of id: [UInt8], limit: Int) -> Bool {
        if container != id || fds.numbers.isEmpty { closeAll() }
        container = id
        while true {
            let tree = fds.takeFirst()
            if tree < 0 { break }
            trees.append(tree)
        }
        if trees.numbers.count <= limit { return true }
        closeAll()
        return false
    }

    /// Those of a container, still ours to close; nil where they are not so many.
    func numbers(of id: [UInt8], count: Int) -> [Int32]? {
        if count == 0 { return [] }
        return container == id && trees.numbers.count == count ? trees.numbers : nil
    }

    mutating func closeAll() {
        trees.closeAll()
        container = []
    }
}
