/// Which of many failures of one kind are worth a line in the log: the first, then one in a minute that tells how many there were. Pure.
struct FailureLog: Sendable {
    static let period = Duration.seconds(60)
    /// Kinds of failures that are told apart; beyond it all are forgotten, so that each is told once more.
    static let limit = 64

    private var kinds: [String: (told: Duration, since: Int)] = [:]

    /// Notes a failure. Returns how many of its kind there were since the last line, this one among them; nil where it needs no line.
    mutating func note(_ kind: String, at now: Duration) -> Int? {
        guard let known = kinds[kind] else {
            if kinds.count >= Self.limit { kinds = [:] }
            kinds[kind] = (now, 0)
            return 1
        }
        guard now - known.told >= Self.period else {
            kinds[kind] = (known.told, known.since + 1)
            return nil
        }
        kinds[kind] = (now, 0)
        return known.since + 1
    }
}
