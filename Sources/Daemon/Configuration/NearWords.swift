/// The words that somebody may have meant by one that there is not.
enum NearWords {
    /// How many are offered.
    static let limit = 3

    /// Those that a few wrong letters lead to, the nearest first; else those that have the word in them, or are in it.
    static func of(_ word: String, among known: [String]) -> [String] {
        // What is compared takes time by the product of lengths.
        let word = word.lowercased().prefix(64).replacing("_", with: "-")
        let allowed = max(1, word.utf8.count / 4)
        let near = known.map { ($0, distance(Array(word.utf8), Array($0.utf8))) }.filter { $0.1 <= allowed }
        if !near.isEmpty { return near.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(limit).map(\.0) }
        guard word.utf8.count >= 3 else { return [] }
        return Array(known.filter { $0.contains(word) || word.contains($0) }.prefix(limit))
    }

    /// How many letters must be changed, added, left out or swapped with their neighbour.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var earlier: [Int] = []
        var before = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var line = [row + 1]
            for (column, other) in right.enumerated() {
                var least = min(before[column] + (letter == other ? 0 : 1), before[column + 1] + 1, line[column] + 1)
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    least = min(least, earlier[column - 1] + 1)
                }
                line.append(least)
            }
            (earlier, before) = (before, line)
        }
        return before[right.count]
    }
}
